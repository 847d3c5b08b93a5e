"""The runner as one file: a zip that Python executes."""

from __future__ import annotations

import hashlib
import io
import zipfile
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "runner"
BOOT = "boot.py"
_MAIN = "from bfx_runner.command import main\n\nmain()\n"
_STAMP = (1980, 1, 1, 0, 0, 0)
"""One date for every file, so that the same sources make the same bytes."""


@cache
def runner_bytes() -> bytes:
    """The zipped runner: `python runner.pyz serve FOLDER`."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr(zipfile.ZipInfo("__main__.py", _STAMP), _MAIN)
        for source in sorted(FOLDER.glob("*.py")):
            bundle.writestr(
                zipfile.ZipInfo(f"bfx_runner/{source.name}", _STAMP), source.read_bytes()
            )
    return target.getvalue()


def runner_sha256() -> str:
    """What names the runner in a record."""
    return hashlib.sha256(runner_bytes()).hexdigest()


def boot_bytes() -> bytes:
    """The source that receives the runner and starts it."""
    return (FOLDER / BOOT).read_bytes()
