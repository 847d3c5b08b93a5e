"""The ways in which a command is ended from outside: Ctrl-C, and signals that ask it to end."""

from __future__ import annotations

import signal

SIGNAL_EXIT_BASE = 128
"""Added to a signal's number, it is the exit code of what the signal ended."""
EXIT_INTERRUPTED = SIGNAL_EXIT_BASE + signal.SIGINT


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
