"""Whether an output has a path of its own, so that writing it destroys nothing that is needed."""

from __future__ import annotations

import os
from pathlib import Path

from bokehflow.errors import UsageError


def require_apart(output: Path, other: Path) -> None:
    """Raise UsageError where an output is the same file as an input or another output."""
    if _is_same(output, other):
        raise UsageError(
            f"the output {output} is also an input or another output",
            "a path of its own for every output",
        )


def _is_same(first: Path, second: Path) -> bool:
    # Two names can be one file: links, or a file system that ignores case.
    if first.exists() and second.exists():
        return first.samefile(second)
    return os.path.realpath(first) == os.path.realpath(second)
