"""Curves that were begun before go on, whatever columns they had."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from bokehflow.errors import InputError
from bokehflow.training.clip_losses import LOSS_NAMES
from bokehflow.training.curves import COLUMNS, Curves
from bokehflow.training.progress import SliceLog
from bokehflow.training.step import StepResult
from tests.training.samples import stage, tiny_config


def test_rows_of_before_stay_when_a_loss_is_added(tmp_path: Path) -> None:
    path = tmp_path / "curves.csv"
    columns = [name for name in COLUMNS if name != "bokeh_decibels"]
    rows = [[str(step), *["0.5"] * (len(columns) - 1)] for step in (50, 100, 150)]
    cut_short = rows[1][:4]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows, cut_short])
    Curves(path, first_step=100)
    with path.open(encoding="utf-8", newline="") as file:
        kept = list(csv.DictReader(file))
    assert [row["step"] for row in kept] == ["50", "100"]
    assert all(row["bokeh_decibels"] == "" and row["seconds_per_step"] == "0.5" for row in kept)


@pytest.mark.parametrize(
    "content", [b"junk\n1\n", b"step\nsoon\n", b"step\n\xff\n"], ids=["columns", "step", "no text"]
)
def test_a_file_of_something_else_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "curves.csv").write_bytes(content)
    with pytest.raises(InputError, match="cannot be read as training curves"):
        Curves(tmp_path / "curves.csv", first_step=1)


def test_no_row_holds_losses_of_two_stages(tmp_path: Path) -> None:
    config = tiny_config(stage("depth", 5), stage("picture", 3), log_every=3)
    log = SliceLog(config, Curves(tmp_path / "curves.csv", first_step=0))
    for step in range(1, 9):
        total = 1.0 if step <= 5 else 7.0
        log.note(step, 0, StepResult(total, (total,) * len(LOSS_NAMES), 1.0, 1e-4, skipped=False))
    with (tmp_path / "curves.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["step"], row["stage"], row["loss"]) for row in csv.DictReader(file)]
    assert rows == [
        ("3", "depth", "1"), ("5", "depth", "1"), ("6", "picture", "7"), ("8", "picture", "7"),
    ]  # fmt: skip
