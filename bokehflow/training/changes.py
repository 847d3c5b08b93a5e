"""When the config or the clips of a run changed under way: a row a change, in the run's folder.

The last config alone does not tell how weights came about that others had a part in. A row stands
before the checkpoint does, so one may be of steps that were lost again.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from bokehflow.atomic import atomic_file
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
    change, known = Change(step, ", ".join(keys)), read_changes(folder)
    if change in known:
        return
    # All of it anew: a row that a full disk cut short would swallow the next.
    with (
        atomic_file(folder / CHANGES) as hidden,
        hidden.open("w", encoding="utf-8", newline="") as file,
    ):
        csv.writer(file).writerows([COLUMNS, *(astuple(row) for row in (*known, change))])


def read_changes(folder: Path) -> tuple[Change, ...]:
    """All rows, none for a run whose config never changed. Raises InputError for anything else."""
    path = folder / CHANGES
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        if any(None in {*row.keys(), *row.values()} for row in rows):
            raise ValueError("a row of other columns, or one that is cut short")
        return tuple(Change(int(row["step"]), row["changed"]) for row in rows)
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise InputError(
            f"{path} cannot be read: {error}",
            "what `bfx train` wrote",
            "move it away; the run goes on without it",
        ) from error
