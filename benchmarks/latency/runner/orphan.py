"""What a measuring process does when the one that serves its job was killed outright."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

STANDARD_INPUT = 0


def leave_nothing_when_orphaned(folder: Path) -> None:
    """Watch standard input, which the serving process keeps open as long as it lives: at its end
    remove the folder, which nobody else would, and end this process."""
    threading.Thread(target=_wait_and_leave, args=(folder,), daemon=True).start()


def _wait_and_leave(folder: Path) -> None:
    # Not through sys.stdin, whose lock a thread that still waits would take with it at the end.
    if not os.read(STANDARD_INPUT, 1):
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)
