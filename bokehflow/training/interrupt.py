"""Ctrl-C and termination, noted instead of obeyed at once, so that a run can save first."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

SAME_WISH_S = 5.0
"""A signal that follows another within this is the same wish: torchrun passes on what the
terminal has already sent to every process."""

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """signal_number: of the first signal that came, 0 before."""

    def __init__(self) -> None:
        self.signal_number = 0


@contextlib.contextmanager
def noted_interruption() -> Iterator[Interruption]:
    """Note what asks a process to end while the block runs, a closed terminal included unless
    `nohup` has it ignored; who asks again later is obeyed at once.

    Outside the main thread signals cannot be caught, and are obeyed as usual.
    """
    noted = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    before = {number: signal.getsignal(number) for number in ENDINGS}
    if before[signal.SIGHUP] is signal.SIG_IGN:
        del before[signal.SIGHUP]
    first_s = 0.0

    def note(number: int, _frame: FrameType | None) -> None:
        nonlocal first_s
        if not noted.signal_number:
            noted.signal_number, first_s = number, time.monotonic()
        elif time.monotonic() - first_s > SAME_WISH_S:
            signal.signal(number, before[signal.Signals(number)])
            os.kill(os.getpid(), number)

    for number in before:
        signal.signal(number, note)
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
