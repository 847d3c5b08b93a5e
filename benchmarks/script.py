"""How a command of `python -m bokehflow.benchmarks...` ends when it cannot do its work."""

from __future__ import annotations

import sys
from collections.abc import Callable

from bokehflow.errors import EXIT_INTERRUPTED, BokehFlowError


def run_script(work: Callable[[], int | None], after_interrupt: str = "") -> int:
    """Do the work. Returns its exit code, 0 for None, or that of the error or Ctrl-C that ended it,
    which is told in one line on standard error.

    after_interrupt: what to tell of an interrupt beside it, such as what was kept.
    """
    try:
        return work() or 0
    except BokehFlowError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("; ".join(filter(None, ("interrupted", after_interrupt))), file=sys.stderr)
        return EXIT_INTERRUPTED
