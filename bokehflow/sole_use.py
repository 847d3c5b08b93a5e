"""One process at a time that writes into a folder: two would write over each other's files."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from io import BufferedWriter
from pathlib import Path

from bokehflow.atomic import output_errors, output_folder
from bokehflow.errors import UsageError

LOCK = ".lock"


@contextlib.contextmanager
def sole_use(folder: Path, user: str, remedy: str) -> Iterator[None]:
    """Make the folder and keep others who ask for it out while the block runs. One that was made
    here goes where the block fails and has left nothing in it.

    The operating system gives the lock up with the process, so that one that was killed keeps
    nobody out. Raises UsageError, which says that another `user` is in the folder, where one is,
    and OutputError where it cannot be written.
    """
    path = folder / LOCK
    with contextlib.ExitStack() as stack:
        stack.enter_context(output_folder(folder))
        with output_errors(path):
            file = stack.enter_context(path.open("ab"))
            if not _is_locked(file, path):
                raise UsageError(
                    f"another {user} is in {folder}",
                    "a folder for each",
                    f"wait until it ends, or {remedy}",
                )
        # Before the file is closed: a name that is gone is nobody's lock any more.
        stack.callback(path.unlink, missing_ok=True)
        yield


def _is_locked(file: BufferedWriter, path: Path) -> bool:
    """Whether the lock is ours, and the file still the one that others will find."""
    try:
        # Of this process alone: flock's would live on in workers that outlive a killed run.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat())
