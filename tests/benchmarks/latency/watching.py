"""Waiting for what other processes do."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE_S = 60.0


def until(look: Callable[[], T]) -> T:
    """What `look` finds as soon as it finds something. Raises TimeoutError after a minute."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            found = look()
        except FileNotFoundError:
            found = None
        if found:
            return found
        time.sleep(0.05)
    raise TimeoutError(f"{look} found nothing in {PATIENCE_S:g} s")


def gone(process: int) -> bool:
    """Whether no process of this number is left."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False
