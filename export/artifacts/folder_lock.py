"""A folder's lock, which the operating system gives up with the process that holds it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def folder_lock(folder: Path, *, waits: bool) -> Iterator[bool]:
    """Hold a folder's lock while the block runs, and yield whether it is held: not on a drive that
    knows no locks nor, unless this waits for it, where another holds it. Raises OSError for what
    cannot be opened."""
    place = os.open(folder, os.O_RDONLY)
    try:
        is_held = False
        with contextlib.suppress(OSError):
            fcntl.flock(place, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
            is_held = True
        yield is_held
    finally:
        os.close(place)
