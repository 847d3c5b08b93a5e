"""Checks: how they are judged, recorded, read back and shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bokehflow.benchmarks.checks import (
    Check,
    at_least,
    at_most,
    bar_facts,
    check_facts,
    check_table,
    read_check,
)
from bokehflow.benchmarks.tables import significant

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"


@pytest.mark.parametrize(
    ("check", "holds"),
    [
        pytest.param(at_least("speed", 2.0, 2.0), True, id="at-least-held"),
        pytest.param(at_least("speed", 1.9, 2.0), False, id="at-least-missed"),
        pytest.param(at_most("time", 2.0, 2.0), True, id="at-most-held"),
        pytest.param(at_most("time", 2.1, 2.0), False, id="at-most-missed"),
        pytest.param(at_most("time", None, 2.0), None, id="not-run"),
    ],
)
def test_a_limit_itself_is_kept(check: Check, holds: bool | None) -> None:
    assert check.holds is holds


def test_the_table_tells_direction_unit_and_verdict() -> None:
    checks = [
        at_least("speed", 430.5, 420.0, "FPS"),
        at_most("time", 61.0, 60.0),
        at_most("memory", None, 0.4, "GB", "no GPU"),
    ]
    assert check_table(checks).rows == [
        ("speed", ">= 420 FPS", "430.5 FPS", "yes"),
        ("time", "<= 60", "61", "NO"),
        ("memory", "<= 0.4 GB", "not run", "not run"),
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(999.4, "999 ms"), (999.7, "1000 ms"), (1000.2, "1000 ms"), (12345.6, "12346 ms")],
)
def test_no_figure_is_shown_by_its_exponent(value: float, shown: str) -> None:
    assert significant(value, "ms") == shown


def test_records_are_read_back() -> None:
    plain = at_least("speed", 1.0, 2.0)
    full = at_most("memory", None, 0.4, "GB", "no GPU")
    assert read_check(check_facts(plain)) == plain
    assert read_check(bar_facts(plain)) == plain
    assert read_check(bar_facts(full)) == full


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda path: path.name)
def test_committed_checks_hold_what_they_say(path: Path) -> None:
    recorded = _recorded(json.loads(path.read_text(encoding="utf-8")))
    assert [read_check(facts).holds for facts in recorded] == [one["holds"] for one in recorded]


def _recorded(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The checks of a record and of its rows."""
    parts = [document, *document.get("rows", [])] if isinstance(document, dict) else []
    return [one for part in parts for key in ("bars", "checks", "budgets")
            for one in part.get(key, [])]  # fmt: skip
