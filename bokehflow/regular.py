"""Files that are opened more than once or by a name of ours, which a pipe cannot be."""

from __future__ import annotations

import stat
from pathlib import Path

from bokehflow.errors import InputError


def require_regular(path: Path, kind: str, error: type[InputError]) -> None:
    """Raise an error of that kind for a pipe or a device, whose reader would wait for whoever
    writes. What is missing is left to who opens it.

    kind: what the file should be, for the message.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise error(f"{path} is a pipe or a device", kind, "save it as a file first")
