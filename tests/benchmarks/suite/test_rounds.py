"""One row of several rounds."""

from __future__ import annotations

from typing import Any

from bokehflow.benchmarks.suite.rounds import best_of


def row(p50_ms: float | None, status: str = "ok") -> dict[str, Any]:
    return {"status": status, "times": p50_ms and {"p50_ms": p50_ms}}


def test_the_faster_round_is_the_row_and_every_median_is_told() -> None:
    assert best_of([row(12.0), row(9.0), row(10.0)]) == {
        **row(9.0),
        "p50_ms_of_rounds": [12.0, 9.0, 10.0],
    }


def test_a_round_that_failed_is_not_outdone_by_one_that_ran() -> None:
    best = best_of([row(9.0), row(None, "timed out")])
    assert (best["status"], best["p50_ms_of_rounds"]) == ("timed out", [9.0])


def test_what_never_ran_has_no_medians() -> None:
    assert best_of([row(None, "not run")] * 2)["p50_ms_of_rounds"] == []
