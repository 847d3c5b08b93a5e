"""Folders for what nobody keeps. Their disk may be full, like any other."""

from __future__ import annotations

import contextlib
import errno
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bokehflow.errors import OutputError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield an empty folder that goes with all that is in it when the block ends.

    For blocks that write nowhere else without telling it themselves. Raises OutputError where it
    cannot be made or has no room for what the block writes.
    """
    try:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
    except OSError as error:
        if not lacks_room(error):
            raise
        raise no_room(error, f"{temporary_place()} cannot be written") from error


def lacks_room(error: OSError) -> bool:
    """Whether the operating system says that a disk is full or takes nothing."""
    # Where no folder takes a single byte, `tempfile` finds none.
    found_none = type(error) is FileNotFoundError and error.errno and error.filename is None
    return bool(found_none) or error.errno in _NO_ROOM


def no_room(error: OSError, found: str) -> OutputError:
    """What to tell of an error that `lacks_room`. found: what cannot be done."""
    return OutputError(
        f"{found}: {error.strerror}", remedy="free some space or name another folder in TMPDIR"
    )


def temporary_place() -> str:
    """Where temporary folders are made, as far as one has been."""
    return tempfile.tempdir or "the temporary folder"
