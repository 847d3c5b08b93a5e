"""`python -m bokehflow.benchmarks.evaluation.model_card`: the card that ships beside the weights.

Every figure comes from the records of the training (`training_record.py`) and of an evaluation.
What only a person can say, how the real photos look, stands between two markers in the card and is
kept when it is written anew.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from bokehflow.atomic import atomic_file
from bokehflow.benchmarks.evaluation.held_out import ALL
from bokehflow.benchmarks.evaluation.recorded import read_evaluation
from bokehflow.benchmarks.evaluation.tables import DEPTH_COLUMNS, depth_cells
from bokehflow.benchmarks.evaluation.training_record import RECORD, Run, read_runs
from bokehflow.benchmarks.script import run_script
from bokehflow.benchmarks.tables import Table, fixed
from bokehflow.errors import InputError
from bokehflow.weights import read_weights

TEMPLATE = Path(__file__).with_name("model_card.md.j2")
BEGIN, END = "<!-- judgement:begin -->", "<!-- judgement:end -->"
NOT_JUDGED = "Nobody has judged the contact sheet yet."


def render_card(evaluation: Mapping[str, Any], runs: Sequence[Run], judgement: str) -> str:
    """The card as Markdown. runs: one after the other, each went on where the one before ended."""
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters |= {
        "fixed": fixed,
        "clips": _clips,
        "licences": _licences,
        "frames": _frames,
    }
    learned = [folder for run in runs for folder in run.data]
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        weights=evaluation["weights"],
        settings=evaluation["settings"],
        precision=evaluation["settings"]["precision"],
        environment=evaluation["environment"],
        data=evaluation["data"],
        results=evaluation["results"],
        held_out=evaluation["results"]["held_out"].get(ALL),
        checks=evaluation["checks"],
        contact_sheet=evaluation.get("contact_sheet"),
        runs=runs,
        imported=any(folder["request"] is None for folder in learned),
        judgement=judgement,
        begin=BEGIN,
        end=END,
        depth_table=_depth_table,
    )


def kept_judgement(card: Path) -> str:
    """What a person wrote into the card that is there, or that nobody did."""
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    _, begin, rest = text.partition(BEGIN)
    judgement, end, _ = rest.partition(END)
    return judgement.strip() if begin and end else NOT_JUDGED


def write_card(card: Path, evaluation_file: Path, training_file: Path) -> None:
    """Write the card beside its weights, `<card>.safetensors`.

    Raises WeightsError where those weights cannot be read, InputError where the evaluation is of
    others or an input cannot be read, OutputError where the card cannot be written.
    """
    with read_evaluation(evaluation_file) as evaluation:
        evaluated = evaluation["weights"]
        _, info = read_weights(card.with_suffix(".safetensors"), evaluated["variant"])
        if info.sha256 != evaluated["sha256"]:
            raise InputError(
                f"{evaluation_file} is about weights {evaluated['sha256'][:12]}...",
                f"{info.sha256[:12]}..., those beside {card}",
                "run `bfx evaluate` with them",
            )
        text = render_card(evaluation, read_runs(training_file), kept_judgement(card))
    with atomic_file(card) as hidden:
        hidden.write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the card. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bokehflow.benchmarks.evaluation.model_card", description=__doc__
    )
    add = parser.add_argument
    add("--evaluation", type=Path, default=Path("benchmarks/results/evaluation.json"))
    add("--training", type=Path, default=RECORD)
    add("--card", type=Path, default=Path("bokehflow/weights/nano.md"))
    options = parser.parse_args(arguments)
    return run_script(lambda: write_card(options.card, options.evaluation, options.training))


def _depth_table(rows: Mapping[str, Mapping[str, float | None]]) -> str:
    cells = [(name, *depth_cells(row)) for name, row in rows.items()]
    return Table("", ("", *DEPTH_COLUMNS), cells).grid()


def _clips(counts: Mapping[str, Mapping[str, int]], split: str) -> int:
    return sum(by_split.get(split, 0) for by_split in counts.values())


def _frames(request: Mapping[str, int] | None) -> str:
    if request is None:
        return "imported"
    size = f"{request['height']}x{request['width']}"
    return f"{request['frames']} of {size}, seed {request['seed']}"


def _licences(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items()) or "none"


if __name__ == "__main__":
    sys.exit(main())
