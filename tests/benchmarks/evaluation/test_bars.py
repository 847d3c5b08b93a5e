"""Every promised bar, met and missed, and the trend of a run."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from bokehflow.benchmarks.evaluation.bars import check_bars
from bokehflow.benchmarks.evaluation.clip_study import (
    CONSTANT,
    DEFAULT_LENS,
    END_TO_END,
    GRADIENT_BLUR,
    NETWORK,
    STOPPED_DOWN,
)
from bokehflow.benchmarks.evaluation.flicker import AS_WRITTEN, OFF, SYSTOLIC, FlickerScore
from bokehflow.benchmarks.evaluation.held_out import ALL, GroupReport
from bokehflow.benchmarks.evaluation.real_pairs import DisparityScore
from bokehflow.benchmarks.evaluation.recorded import SCHEMA
from bokehflow.benchmarks.evaluation.tables import all_tables
from bokehflow.benchmarks.evaluation.trend import find_snapshots, read_trend, steps_back
from bokehflow.benchmarks.quality.renderers import NO_BLUR
from bokehflow.errors import InputError
from tests.benchmarks.evaluation.samples import bokeh_mean, depth_score, good_evaluation, point

BOKEH = {NO_BLUR: bokeh_mean(25.0), GRADIENT_BLUR: bokeh_mean(27.0), END_TO_END: bokeh_mean(30.0)}


def held_out(depth: Any, bokeh: Any) -> dict[str, Any]:
    return {"held_out": {ALL: GroupReport(8, 8, {NETWORK: depth}, bokeh)}}


MISSED = {
    "delta1": (held_out(depth_score(0.79, 0.1), BOKEH), "held-out, median-aligned delta1"),
    "AbsRel": (held_out(depth_score(0.9, 0.21), BOKEH), "held-out, median-aligned AbsRel"),
    "delta1 where no lens tells": (
        {
            "held_out": {
                ALL: GroupReport(
                    8, 8, {NETWORK: depth_score(), DEFAULT_LENS: depth_score(0.79)}, BOKEH
                )
            }
        },
        "held-out, told the default lens, median-aligned delta1",
    ),
    "delta1 at another aperture": (
        {
            "held_out": {
                ALL: GroupReport(
                    8, 8, {NETWORK: depth_score(), STOPPED_DOWN: depth_score(0.79)}, BOKEH
                )
            }
        },
        "held-out, told f/8, median-aligned delta1",
    ),
    "no blur": (
        held_out(depth_score(), BOKEH | {NO_BLUR: bokeh_mean(27.1)}),
        "end to end above 'no blur', dB",
    ),
    "gradient": (
        held_out(depth_score(), BOKEH | {GRADIENT_BLUR: bokeh_mean(30.0)}),
        "end to end above 'nearer at the bottom', dB",
    ),
    "motorcycle": ({"motorcycle": {NETWORK: depth_score(0.77)}}, "Motorcycle"),
    "aloe no better than flat": (
        {"aloe": dict.fromkeys((NETWORK, CONSTANT), DisparityScore(0.3, 0.3, 0.0))},
        "Aloe",
    ),
    "flicker": (
        {"films": dict.fromkeys((OFF, AS_WRITTEN), FlickerScore(1.0, 0.1, 0.0))},
        "flicker of bokeh, TSP",
    ),
    "flicker of segment states": (
        {
            "films": {
                OFF: FlickerScore(1.0, 0.1, 0.1),
                AS_WRITTEN: FlickerScore(0.9, 0.1, 0.09),
                SYSTOLIC: FlickerScore(0.9, 0.1, 0.1),
            }
        },
        "flicker of depth, systolic",
    ),
    "trend": ({"trend": [point(1, 0.3, 24.0), point(2, 0.4, 25.0)]}, "snapshots worse"),
}


def test_an_evaluation_that_meets_every_bar() -> None:
    checks = check_bars(good_evaluation())
    assert len(checks) == 12
    assert all(check.holds for check in checks)


@pytest.mark.parametrize("kind", MISSED)
def test_a_bar_that_is_missed_says_so(kind: str) -> None:
    changes, name = MISSED[kind]
    missed = [check.name for check in check_bars(good_evaluation(**changes)) if not check.holds]
    assert missed
    assert missed[0].startswith(name)


def test_what_was_not_measured_has_neither_bar_nor_table() -> None:
    empty = good_evaluation(held_out={}, motorcycle={}, aloe={}, films={}, videos={}, trend=[])
    assert check_bars(empty) == []
    assert all_tables(empty, []) == []
    titles = " | ".join(table.title for table in all_tables(good_evaluation(), []))
    for word in ("Depth on 8", "Bokeh", "Motorcycle", "Aloe", "2 held-out films", "estimated"):
        assert word in titles


def test_steps_back_are_counted_in_either_direction() -> None:
    assert steps_back([0.5, 0.4, 0.45, 0.3], larger_is_better=False) == 1
    assert steps_back([20.0, 21.0, 20.5, 20.0], larger_is_better=True) == 2
    assert steps_back([1.0, 1.0], larger_is_better=True) == 0


def test_snapshots_come_in_the_order_of_their_steps(tmp_path: Path) -> None:
    for name in ("step-0010000.safetensors", "step-0002000.safetensors", "other.txt"):
        (tmp_path / name).touch()
    assert [step for step, _ in find_snapshots(tmp_path)] == [2000, 10000]
    (tmp_path / "step-0002000.safetensors").unlink()
    with pytest.raises(InputError, match="at least two"):
        find_snapshots(tmp_path)


def test_scores_of_snapshots_that_are_gone_are_kept_with_their_commit(tmp_path: Path) -> None:
    record, scored = tmp_path / "evaluation.json", [point(1, 0.3, 30.0), point(2, 0.2, 31.0)]
    document = {
        "schema": SCHEMA,
        "settings": {},
        "environment": {"commit": "abc"},
        "results": {"trend": [dataclasses.asdict(one) for one in scored]},
    }
    record.write_text(json.dumps(document))
    assert read_trend(record) == (scored, "abc")
    document["settings"] = {"trend_commit": "older"}
    record.write_text(json.dumps(document))
    assert read_trend(record).commit == "older"
    document["results"] = {"trend": []}
    record.write_text(json.dumps(document))
    with pytest.raises(InputError, match="no snapshots"):
        read_trend(record)
    record.write_text(json.dumps({**document, "schema": "bokehflow.report/1"}))
    with pytest.raises(InputError, match=r"has schema 'bokehflow\.report/1'"):
        read_trend(record)
    record.write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        read_trend(record)
