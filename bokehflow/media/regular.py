"""Files that are opened more than once, which a pipe cannot be."""

from __future__ import annotations

import stat
from pathlib import Path

from bokehflow.errors import MediaError


def require_regular(path: Path, kind: str) -> None:
    """Raise MediaError for a pipe or a device. What is missing is left to who opens it.

    kind: what the file should be, for the message.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise MediaError(f"{path} is a pipe or a device", kind, "save it as a file first")
