"""Training curves as one CSV file: a row every so many steps, means since the row before, or since
the slice began."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from bokehflow.atomic import atomic_file, output_errors, require_writable
from bokehflow.errors import InputError
from bokehflow.training.clip_losses import LOSS_NAMES

CURVES = "curves.csv"
"""Its name in a run's folder."""
COLUMNS = (
    "step",
    "stage",
    "learning_rate",
    "loss",
    *LOSS_NAMES,
    "gradient_norm",
    "skipped",
    "seconds_per_step",
)


class Curves:
    """Appends rows to a CSV file, which is there from the first one on. Rows beyond the step a run
    goes on from are dropped.

    Raises InputError for a file of something else, OutputError for one that cannot be written.
    """

    def __init__(self, path: Path, first_step: int) -> None:
        self.path = path
        require_writable(path)
        if not path.is_file():
            return
        with output_errors(path):
            kept = _rows_up_to(path, first_step)
        with atomic_file(path) as hidden:
            hidden.write_text(_as_csv([COLUMNS, *kept]), encoding="utf-8")

    def add(self, row: Sequence[object]) -> None:
        """Write one row, in the order of COLUMNS. Raises OutputError where it cannot be."""
        with output_errors(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(_as_csv([row] if file.tell() else [COLUMNS, row]))


def has_rows(path: Path) -> bool:
    """Whether a file of curves is there and holds more than its first line."""
    with output_errors(path):
        return path.is_file() and len(path.read_bytes().splitlines()) > 1


def _rows_up_to(path: Path, step: int) -> list[list[str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        # A full disk may have cut the last row short; losses of today may have had no column yet.
        whole = [row for row in rows if None not in row.values()]
        kept = [row for row in whole if int(row["step"]) <= step]
    except (ValueError, KeyError, csv.Error) as error:
        raise InputError(
            f"{path} cannot be read as training curves ({type(error).__name__})",
            "a file that `bfx train` wrote",
            "move it away; the run goes on without it",
        ) from error
    return [[row.get(name, "") for name in COLUMNS] for row in kept]


def _as_csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
