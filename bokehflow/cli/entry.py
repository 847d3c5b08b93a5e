"""`bfx`: what runs before the command line is there to tell anything, Ctrl-C above all."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Import the command line and run it. Exits."""
    try:
        from bokehflow.cli.main import main as run
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    run()
