"""Writes a file or folder beside its target and puts it in place at the very end.

A failed export leaves what was there before, or nothing: never a half-written artifact.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bokehflow.media.atomic import output_errors


@contextlib.contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Yield a path to write to, with the target's name, in a temporary folder beside the target.

    On a clean exit what was written there replaces the target (a file or a whole folder); after an
    exception the temporary folder is removed and the target is untouched.
    Raises OutputError where the place cannot be written.
    """
    with output_errors(target):
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            yield folder / target.name
            if target.is_dir():
                # A rename replaces a file, but not a folder with something in it.
                target.rename(folder / "replaced")
            (folder / target.name).replace(target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def output_folder(folder: Path) -> Iterator[None]:
    """Make a folder, with its parents, for what the block writes; take it away if the block fails.

    Only folders made here are taken away, and only while they are empty. Raises OutputError where
    the folder cannot be made.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            for path in made:
                path.rmdir()
        raise
