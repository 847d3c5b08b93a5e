"""Outputs that appear whole or not at all.

The work is written under a hidden name beside the target and renamed when it is complete. Whatever
goes wrong in between, an interrupt included, leaves neither the target nor the hidden name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from bokehflow.errors import OutputError

_NO_SUCH_PLACE = (errno.ENOENT, errno.ENOTDIR)
_TOKEN_BYTES, _NAME_BYTES = 6, 255
HOME = "~"
_IN_THE_WAY = (errno.EEXIST, errno.ENOTDIR)


def require_writable(target: Path) -> None:
    """Raise OutputError where `target` could not be written as a file; leaves nothing behind.

    To be called before long work, so that a wrong path is told at once.
    """
    with output_errors(target):
        if target.is_dir():
            raise OutputError(f"{target} is a folder", "the name of a file")
        if target.exists() and not target.is_file():
            raise OutputError(f"{target} is a device or a pipe", "the name of a file")
        if target.exists() and not os.access(target, os.W_OK):
            raise OutputError(f"{target} is write-protected", remedy="choose another name")
        _probe(target)


def require_writable_folder(folder: Path) -> None:
    """Make a folder where there is none, and raise OutputError where no file could lie in it.

    To be called before long work, as `require_writable`.
    """
    make_folder(folder)
    with output_errors(folder):
        _probe(folder / "file")


def make_folder(folder: Path) -> None:
    """Make a folder, with its parents, where there is none. Raises OutputError.

    A folder called "~" is not made: whoever cleans it up by that name removes their home.
    """
    if folder.parts[:1] == (HOME,) and not Path(HOME).exists():
        raise OutputError(
            f"{folder} begins with ~, which no shell has replaced",
            "a path as it is",
            "write it in full",
        )
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def output_folder(folder: Path) -> Iterator[None]:
    """Make a folder, with its parents, for what the block writes; take it away if the block fails.

    Only folders made here are taken away, and only while they are empty. Raises OutputError where
    the folder cannot be made.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    make_folder(folder)
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            for path in made:
                path.rmdir()
        raise


@contextlib.contextmanager
def atomic_file(target: Path) -> Iterator[Path]:
    """Yield an empty hidden file beside `target` that becomes `target` when the block succeeds.

    The hidden file keeps the target's suffix. What a symbolic link points to is replaced, not the
    link, and who may read it stays as it was. Raises OutputError where the folder does not exist,
    cannot be written or is full.
    """
    require_writable(target)
    with output_errors(target):
        hidden = _hidden_sibling(target)
        try:
            hidden.touch(exist_ok=False)
            yield hidden
            if target.exists():
                with contextlib.suppress(PermissionError):  # some file systems know no modes
                    hidden.chmod(stat.S_IMODE(target.stat().st_mode))
            hidden.replace(os.path.realpath(target))
        finally:
            hidden.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yield an empty hidden folder beside `target` that becomes `target` when the block succeeds.

    Raises OutputError where `target` already exists or its folder cannot be written.
    """
    with output_errors(target):
        _require_free(target)
        hidden = _hidden_sibling(target)
        try:
            hidden.mkdir()
            yield hidden
            # Others may have made it meanwhile; a rename would say that it is not empty.
            _require_free(target)
            hidden.rename(target)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)


def _require_free(folder: Path) -> None:
    if os.path.lexists(folder):  # a link that leads nowhere is in the way, too
        raise OutputError(f"{folder} already exists", "a folder that is still to be made")


@contextlib.contextmanager
def output_errors(target: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write `target` into one OutputError.

    A refusal that names another file is told of that file.
    """
    try:
        yield
    except OSError as error:
        # NumPy and Pillow raise some of theirs without a number.
        reason = str(error) if error.errno is None else os.strerror(error.errno)
        if error.filename is not None and not _belongs_to(
            Path(os.fsdecode(error.filename)), target
        ):
            raise OutputError(f"{os.fsdecode(error.filename)}: {reason}") from error
        file = next((path for path in target.parents if path.is_file()), None)
        if error.errno in _NO_SUCH_PLACE and file is not None:
            raise OutputError(
                f"{target} cannot be written: {file} is not a folder",
                "a folder to write into",
                "choose another place",
            ) from error
        if error.errno in _NO_SUCH_PLACE and not target.parent.is_dir():
            raise OutputError(
                f"{target} cannot be written: {target.parent} is not a folder",
                "an existing folder",
                "create it first",
            ) from error
        if error.errno in _IN_THE_WAY and target.exists() and not target.is_dir():
            raise OutputError(f"{target} is a file", "a folder, or a name that is free") from error
        raise OutputError(
            f"{target} cannot be written: {reason}", remedy=remedy_for(error.errno)
        ) from error


def remedy_for(error_number: int | None) -> str:
    """What to do where the system refuses to write with this number of `errno`."""
    full = error_number in (errno.ENOSPC, errno.EDQUOT)
    return "free some space" if full else "choose another place"


def drop_unfinished(target: Path) -> None:
    """Remove what processes that were killed left of `target` under hidden names. For those alone
    who know that no other process writes it. Raises OutputError."""
    place = Path(os.path.realpath(target))
    name = re.compile(re.escape(hidden_prefix(target)) + r"[0-9a-f]+" + re.escape(target.suffix))
    with output_errors(target):
        for path in place.parent.iterdir():
            if name.fullmatch(path.name):
                path.unlink(missing_ok=True)


def _probe(target: Path) -> None:
    probe = _hidden_sibling(target)
    try:
        probe.touch(exist_ok=False)
    finally:
        probe.unlink(missing_ok=True)


def _belongs_to(path: Path, target: Path) -> bool:
    """Whether a path is the target, above or inside it, or a hidden file or folder beside it."""
    real = Path(os.path.realpath(target))
    if any(path == own or own in path.parents or path in own.parents for own in (target, real)):
        return True
    folders = (target.parent, real.parent)
    beside = next((p for p in (path, *path.parents) if p.parent in folders), None)
    return beside is not None and beside.name.startswith(hidden_prefix(target))


def _hidden_sibling(target: Path) -> Path:
    """A free name in the folder in which the target really lies, with the target's suffix."""
    # Unlike `resolve`, it does not raise where links lead in a circle.
    place = Path(os.path.realpath(target))
    return place.with_name(
        f"{hidden_prefix(target)}{secrets.token_hex(_TOKEN_BYTES)}{target.suffix}"
    )


def hidden_prefix(target: Path) -> str:
    """What a hidden name begins with: as much of the target's as a file system lets it have."""
    taken = len(os.fsencode(target.suffix)) + 2 * _TOKEN_BYTES + len("..")
    return f".{os.fsdecode(os.fsencode(target.stem)[: _NAME_BYTES - taken])}."
