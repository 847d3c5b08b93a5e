"""The hidden folder in which an artifact is made, and those that killed processes left."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bokehflow.atomic import hidden_prefix
from bokehflow.export.artifacts.folder_lock import folder_lock

MADE, REPLACED = "made", "replaced"
"""In a hidden folder: what is being made, and what it replaces while it is put in place."""
JUST_MADE_S = 60.0
"""A folder is not held yet when it has just been made."""


@contextlib.contextmanager
def folder_beside(target: Path) -> Iterator[Path]:
    """A hidden folder in the folder where a target really lies, with `MADE` and `REPLACED` in it,
    while the block runs. Those that killed processes left of the target go, too. Raises OSError."""
    parent, prefix = target.resolve().parent, hidden_prefix(target)
    _drop_left(parent, prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        # As long as it is held nobody takes it for one that was left.
        with folder_lock(folder, waits=False):
            for part in (MADE, REPLACED):
                (folder / part).mkdir()
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _drop_left(parent: Path, prefix: str) -> None:
    """Remove the folders that processes left which were killed, unless something is in them that
    was moved aside."""
    try:
        beside = [path for path in parent.iterdir() if path.name.startswith(prefix)]
    except OSError:  # whoever makes a folder there is told
        return
    for path in beside:
        with contextlib.suppress(OSError):  # others may be at it
            if (
                {inside.name for inside in path.iterdir()} == {MADE, REPLACED}
                and not any((path / REPLACED).iterdir())
                and time.time() - path.stat().st_mtime > JUST_MADE_S
            ):
                with folder_lock(path, waits=False) as is_held:
                    if is_held:
                        shutil.rmtree(path, ignore_errors=True)
