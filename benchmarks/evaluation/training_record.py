"""`python -m bokehflow.benchmarks.evaluation.training_record`: how the shipped weights came about.

A run's curves and its data stay on the machine that trained. What they tell is kept here, run after
run, so that the card can tell it when both are gone.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bokehflow.benchmarks.evaluation.data_facts import data_facts
from bokehflow.benchmarks.results_file import read_record, write_json
from bokehflow.benchmarks.script import run_script
from bokehflow.calibration.data.split import TRAIN
from bokehflow.errors import InputError, UsageError
from bokehflow.training.changes import Change, read_changes
from bokehflow.training.checkpoint import read_checkpoint
from bokehflow.training.config_file import differences, read_config
from bokehflow.training.curves import COLUMNS, CURVES

SCHEMA = "bokehflow.training/1"
COMMAND = "python -m bokehflow.benchmarks.evaluation.training_record"
RECORD = Path("benchmarks/results/training.json")
SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a run, from its curves. hours: time a step x steps, as logged."""

    name: str
    steps: int
    hours: float
    first_loss: float
    last_loss: float


@dataclass(frozen=True, slots=True)
class Run:
    """A whole run. config: its file; hardware: in words; data: as `data_facts` has it. share: how
    much it counts in the mean with the weights that it began with, 1 for the run alone. changes: of
    its config under way."""

    config: str
    hardware: str
    stages: tuple[Stage, ...]
    data: list[dict[str, Any]]
    share: float = 1.0
    changes: tuple[Change, ...] = ()

    @property
    def steps(self) -> int:
        """Steps of all stages."""
        return sum(stage.steps for stage in self.stages)

    @property
    def hours(self) -> float:
        """Hours of all stages."""
        return sum(stage.hours for stage in self.stages)


def read_stages(run: Path) -> tuple[Stage, ...]:
    """What the curves in a run's folder tell. Raises InputError where there are none."""
    path = run / CURVES
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row.get(COLUMNS[-1])]
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", "a run's folder") from error
    if not rows:
        raise InputError(f"{path} holds no row", "the curves of a run that has begun")
    stages: dict[str, list[tuple[int, float, float]]] = {}
    before = 0
    for row in rows:
        try:
            step, loss = int(row["step"]), float(row["loss"])
            steps, before = step - before, step
            seconds = steps * float(row["seconds_per_step"])
            stages.setdefault(row["stage"], []).append((steps, seconds, loss))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} holds {row}", "the curves of `bfx train`") from error
    return tuple(_stage(name, parts) for name, parts in stages.items())


def _stage(name: str, parts: Sequence[tuple[int, float, float]]) -> Stage:
    steps, seconds, losses = zip(*parts, strict=True)
    return Stage(name, sum(steps), sum(seconds) / SECONDS_PER_HOUR, losses[0], losses[-1])


def read_runs(record: Path) -> list[Run]:
    """The runs behind the weights, the first first. Raises InputError for anything else."""
    with read_record(record, SCHEMA, f"`{COMMAND}`") as document:
        return [
            Run(
                **{
                    **run,
                    "stages": tuple(Stage(**stage) for stage in run["stages"]),
                    "changes": tuple(Change(**change) for change in run.get("changes", ())),
                }
            )
            for run in document["runs"]
        ]


def _require_its_config(run: Path, config: Path) -> None:
    """Raise UsageError for a config that the run did not end with."""
    changed = differences(read_checkpoint(run).config, read_config(config))
    if changed:
        raise UsageError(f"{config} is not the config of {run}: {', '.join(changed)} differ")


def write_runs(record: Path, runs: Iterable[Run]) -> None:
    """Write the runs in place of those that were there. Raises OutputError where that fails."""
    document = {"schema": SCHEMA, "runs": [dataclasses.asdict(run) for run in runs]}
    write_json(record, document)


def main(arguments: Sequence[str] | None = None) -> int:
    """Keep one run. Returns the exit code."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    add = parser.add_argument
    add("--run", type=Path, required=True, help="the run's folder, with its curves")
    add("--config", type=Path, required=True, help="the run's config")
    add("--hardware", required=True, help="what it was trained on, in words")
    add("--data", type=Path, default=Path("data"), help="the data folder it learned from")
    add("--goes-on", action="store_true", help="began with the weights of the runs recorded so far")
    add("--share", type=_share, default=1.0, help="of `bfx export-weights`, 1 for the run alone")
    add("--record", type=Path, default=RECORD)
    options = parser.parse_args(arguments)
    return run_script(lambda: _keep(options))


def _keep(options: argparse.Namespace) -> None:
    if options.share < 1.0 and not options.goes_on:
        raise UsageError(
            f"--share {options.share} without --goes-on",
            "weights recorded so far, with which the mean was taken",
            "give --goes-on, or leave out --share",
        )
    _require_its_config(options.run, options.config)
    learned = [facts for facts in data_facts(options.data) if _trains(facts)]
    if not learned:
        print(f"note: {options.data} holds no training clips; none are recorded",
              file=sys.stderr)  # fmt: skip
    run = Run(
        str(options.config),
        options.hardware,
        read_stages(options.run),
        learned,
        options.share,
        read_changes(options.run),
    )
    before = read_runs(options.record) if options.goes_on else []
    write_runs(options.record, [*before, run])


def _share(text: str) -> float:
    share = float(text)
    if not 0.0 < share <= 1.0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 1")
    return share


def _trains(facts: dict[str, Any]) -> bool:
    return any(by_split.get(TRAIN, 0) for by_split in facts["counts"].values())


if __name__ == "__main__":
    sys.exit(main())
