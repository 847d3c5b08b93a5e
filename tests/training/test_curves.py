"""Curves that were begun before go on, whatever columns they had."""

from __future__ import annotations

import csv
from pathlib import Path

from bokehflow.training.curves import COLUMNS, Curves


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
