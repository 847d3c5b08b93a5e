"""The ways in which a command is ended from outside: Ctrl-C, and signals that ask it to end."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from bokehflow.errors import EXIT_INTERRUPTED

SIGNAL_EXIT_BASE = 128
"""Added to a signal's number, it is the exit code of what the signal ended."""
_AGAIN_AFTER_S = 0.05
_TERMINATING = (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))


class Terminated(SystemExit):
    """The process is asked to end; what is open cleans up after itself on the way out."""

    def __init__(self, number: int) -> None:
        super().__init__(SIGNAL_EXIT_BASE + number)
        self.signal = signal.Signals(number)


def interruption(error: KeyboardInterrupt | Terminated) -> tuple[str, int]:
    """What to tell of it, and the exit code."""
    if isinstance(error, Terminated):
        return f"ended by {error.signal.name}", SIGNAL_EXIT_BASE + error.signal
    return "interrupted", EXIT_INTERRUPTED


_asked: list[KeyboardInterrupt | Terminated] = []
"""What has come to this process; signals are the process's too."""


def clean_up_when_terminated() -> None:
    """Have the signals that ask to end raise Terminated, and Ctrl-C wait for the end of imports."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
    for number in _TERMINATING:
        if signal.getsignal(number) is signal.SIG_DFL:  # `nohup` has set the other to be ignored
            signal.signal(number, _end)
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _hear_again


def end_undisturbed() -> None:
    """Ignore what else asks to end, as a second Ctrl-C: all is cleaned up, and it would only give
    another exit code, or cut short what is told. Does nothing where `clean_up_when_terminated` was
    not called."""
    ours = [n for n in (signal.SIGINT, *_TERMINATING) if signal.getsignal(n) is _end]
    for number in (*ours, getattr(signal, "SIGALRM", signal.SIGINT)) if ours else ():
        signal.signal(number, signal.SIG_IGN)


def what_ended(error: BaseException) -> BaseException:
    """The signal behind an error, or the error itself: extension modules make errors of their own
    of what is raised in them."""
    return _asked[-1] if _asked else error


def _end(number: int, frame: FrameType | None) -> None:
    """Raise what the signal asks for; once it is done, where a module is being imported.

    NumPy and PyTorch swallow what is raised in them while they are imported, or end the process.
    """
    if _is_importing(frame):
        _ask_again(number)
        return
    _asked.append(KeyboardInterrupt() if number == signal.SIGINT else Terminated(number))
    raise _asked[-1]


def _ask_again(number: int) -> None:
    """Have a signal come once more, in a moment."""
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(number))
    signal.setitimer(signal.ITIMER_REAL, _AGAIN_AFTER_S)


def _hear_again(lost: sys.UnraisableHookArgs) -> None:
    """Python's hook for what is raised in `__del__` and its like, where nothing can catch it."""
    if isinstance(lost.exc_value, Terminated):
        _ask_again(lost.exc_value.signal)
    elif isinstance(lost.exc_value, KeyboardInterrupt):
        _ask_again(signal.SIGINT)
    else:
        sys.__unraisablehook__(lost)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
