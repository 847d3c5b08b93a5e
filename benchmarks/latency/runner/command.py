"""The two things the runner does: `serve FOLDER` and `measure FOLDER PHASE`."""

from __future__ import annotations

import sys
from pathlib import Path

from .orphan import leave_nothing_when_orphaned
from .serve import serve


def main() -> None:
    """Do what the arguments of this process say."""
    role, folder, *phase = sys.argv[1:]
    if role == "serve":
        serve(Path(folder), runner=Path(sys.argv[0]))
    else:
        leave_nothing_when_orphaned(Path(folder))
        # Only now: numpy may be what a machine lacks, which `serve` tells.
        from .measure import measure

        sys.exit(measure(Path(folder), phase[0]))
