"""Writes a file or folder beside its target and puts it in place at the very end.

A failed export leaves what was there before, or nothing: never a half-written artifact.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bokehflow.atomic import output_errors
from bokehflow.errors import OutputError
from bokehflow.export.artifacts.folder_beside import MADE, REPLACED, folder_beside
from bokehflow.export.artifacts.folder_lock import folder_lock

FULL_BYTES = 1 << 16
"""A disk that has less room has no room for the next part of a file."""


def always() -> None:
    """Nothing speaks against it."""


@contextlib.contextmanager
def staged(target: Path, may_replace: Callable[[], object] = always) -> Iterator[Path]:
    """Yield a path to write to, with the target's name, in a temporary folder beside the target.

    On a clean exit what was written there replaces the target (a file or a whole folder); after an
    exception, or where the place cannot be taken, the temporary folder is removed and the target is
    as it was. Whoever wrote it, others may read it as the umask says, or as they might read a file
    that it replaces. may_replace: called when nobody else may change the folder; what it raises
    keeps the target as it is. Raises OutputError where the place cannot be written, and for a
    folder where a file is to be, or a file where a folder is.
    """
    with staged_together(target, may_replace=may_replace) as (place,):
        yield place


@contextlib.contextmanager
def staged_together(
    *targets: Path, may_replace: Callable[[], object] = always
) -> Iterator[tuple[Path, ...]]:
    """As `staged`, for files or folders of one parent that belong together: all or none."""
    first = targets[0]
    for target in targets:
        require_replaceable(target)
    with output_errors(first), folder_beside(first) as folder:
        made, replaced = folder / MADE, folder / REPLACED
        places = tuple(made / target.name for target in targets)
        yield places
        _open_to_others(made)
        # Two swaps that meet would leave one's artifact beside the other's manifest.
        with folder_lock(folder.parent, waits=True):
            may_replace()
            resolved = [target.resolve() for target in targets]
            for place, target in zip(places, resolved, strict=True):
                _require_alike(place, target)
            _swap(resolved, places, replaced)


def _open_to_others(made: Path) -> None:
    """Give everything in a folder the mode of what is plainly written: what coremltools saves went
    through a temporary place that is for its owner alone.

    made: has itself been plainly made.
    """
    mode = stat.S_IMODE(made.stat().st_mode)
    with contextlib.suppress(PermissionError):  # some file systems know no modes
        for path in made.rglob("*"):
            if not path.is_symlink():
                path.chmod(mode if path.is_dir() else mode & 0o666)


def _require_alike(place: Path, target: Path) -> None:
    """Raise OutputError unless what was made may replace what is there; gives a file the mode of
    the file that it replaces."""
    mode = place.stat().st_mode  # of what was not made the system says so
    if not target.exists():
        return
    if stat.S_ISDIR(mode) != target.is_dir():
        kind, wanted = ("folder", "file") if target.is_dir() else ("file", "folder")
        raise OutputError(f"{target} is a {kind}", f"a {wanted} to replace, or a name that is free")
    require_replaceable(target)
    if not target.is_dir():
        with contextlib.suppress(PermissionError):  # some file systems know no modes
            place.chmod(stat.S_IMODE(target.stat().st_mode))


def require_replaceable(target: Path) -> None:
    """Raise OutputError for what is there and write-protected."""
    if target.exists() and not os.access(target, os.W_OK):
        raise OutputError(f"{target} is write-protected", remedy="choose another place")


def _swap(targets: Sequence[Path], places: Sequence[Path], replaced: Path) -> None:
    """Put what was made in place and what it replaces aside; on any exception before all of it is
    in place, take both back.

    targets: without symbolic links, so that what a link points to is replaced, not the link.
    """
    before = {target for target in targets if target.exists()}
    moves = [
        (place, target, replaced / place.name)
        for place, target in zip(places, targets, strict=True)
    ]
    try:
        for place, target, old in moves:
            # A rename replaces a file at once, but not a folder with something in it, nor one that
            # may have to come back.
            if target in before and (target.is_dir() or target != targets[-1]):
                target.rename(old)
            place.replace(target)
    except BaseException:
        if not any(place.exists() for place in places):
            raise  # all are in place, and what they replaced belongs to none of them
        for place, target, old in moves:
            if target.exists() and (old.exists() or target not in before):
                target.rename(place)
            if old.exists():
                old.rename(target)
        raise


def not_written(folder: Path, reason: str, wanted_bytes: int = 0) -> OSError:
    """What a library means that could not write into a folder and gives a reason of its own: that
    the disk is full, where it is.

    wanted_bytes: about as much as it had to write, where it takes back what it wrote.
    """
    if shutil.disk_usage(folder).free < max(wanted_bytes, FULL_BYTES):
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return OSError(reason)
