"""`bfx`: what runs before the command line is there to tell anything, Ctrl-C above all."""

from __future__ import annotations

import json
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Import the command line and run it. Exits."""
    try:
        from bokehflow.cli.main import main as run
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        if "--json" in sys.argv:
            error = {"type": "Interrupted", "message": "interrupted", "exit_code": 130}
            print(json.dumps({"error": error}))
        sys.exit(130)
    run()
