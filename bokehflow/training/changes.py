"""When the config or the clips of a run changed under way: a row a change, in the run's folder.

The last config alone does not tell how weights came about that others had a part in.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bokehflow.atomic import output_errors
from bokehflow.errors import InputError

CHANGES = "changes.csv"
COLUMNS = ("step", "changed")


@dataclass(frozen=True, slots=True)
class Change:
    """step: the last one before it. changed: keys of the config, "clips"; with commas between."""

    step: int
    changed: str


def note_change(folder: Path, step: int, keys: Sequence[str]) -> None:
    """Add a row, once. Raises OutputError where it cannot be written, InputError for a file of
    something else."""
    path, changed = folder / CHANGES, ", ".join(keys)
    if Change(step, changed) in read_changes(folder):
        return
    with output_errors(path):
        begins = not path.exists()
        with path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            if begins:
                writer.writerow(COLUMNS)
            writer.writerow((step, changed))


def read_changes(folder: Path) -> tuple[Change, ...]:
    """All rows, none for a run whose config never changed. Raises InputError for anything else."""
    path = folder / CHANGES
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return tuple(Change(int(row["step"]), row["changed"]) for row in csv.DictReader(file))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read: {error}", "what `bfx train` wrote") from error
