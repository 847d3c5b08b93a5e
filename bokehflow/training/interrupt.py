"""Ctrl-C and termination, noted instead of obeyed at once, so that a run can save first."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Interruption:
    """signal_number: of the first signal that came, 0 before."""

    def __init__(self) -> None:
        self.signal_number = 0


@contextlib.contextmanager
def noted_interruption() -> Iterator[Interruption]:
    """Note SIGINT and SIGTERM while the block runs; a second one is obeyed as usual.

    Outside the main thread signals cannot be caught, and are obeyed as usual from the first.
    """
    noted = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, _frame: FrameType | None) -> None:
        noted.signal_number = number
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in before:
        signal.signal(number, note)
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
