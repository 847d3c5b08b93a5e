"""Writes a file or folder beside its target and puts it in place at the very end.

A failed export leaves what was there before, or nothing: never a half-written artifact.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bokehflow.errors import OutputError


@contextlib.contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Yield a path to write to, with the target's name, in a temporary folder beside the target.

    On a clean exit what was written there replaces the target (a file or a whole folder); after an
    exception the temporary folder is removed and the target is untouched.
    Raises OutputError where the place cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        yield folder / target.name
        _replace(folder / target.name, target, folder / "replaced")
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _replace(source: Path, target: Path, aside: Path) -> None:
    """Rename, also over a folder, which a rename alone cannot replace."""
    if target.is_dir():
        target.replace(aside)
    source.replace(target)


def _unwritable(target: Path, error: OSError) -> OutputError:
    reason = error.strerror or str(error)
    return OutputError(f"cannot write {target} ({reason})", "a folder that can be written")
