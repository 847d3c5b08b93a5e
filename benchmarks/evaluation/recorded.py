"""Reading what an evaluation recorded."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from bokehflow.benchmarks.results_file import read_record

SCHEMA = "bokehflow.evaluation/1"


def read_evaluation(path: Path) -> AbstractContextManager[dict[str, Any]]:
    """The document that `bfx evaluate` wrote, as `results_file.read_record` yields it."""
    return read_record(path, SCHEMA, "`bfx evaluate`")
