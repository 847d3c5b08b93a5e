"""What trained weights have promised, checked against an evaluation.

A bar whose measurement was not asked for, or for which there is no data, is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from bokehflow.benchmarks.checks import Check, at_least, at_most
from bokehflow.benchmarks.evaluation.clip_study import (
    AUTOFOCUSED,
    DEFAULT_LENS,
    END_TO_END,
    GRADIENT_BLUR,
    NETWORK,
    STOPPED_DOWN,
)
from bokehflow.benchmarks.evaluation.flicker import AS_WRITTEN, OFF, SYSTOLIC
from bokehflow.benchmarks.evaluation.held_out import ALL
from bokehflow.benchmarks.evaluation.run import Evaluation
from bokehflow.benchmarks.evaluation.trend import steps_back
from bokehflow.benchmarks.quality.renderers import NO_BLUR

HELD_OUT_DELTA1, HELD_OUT_ABS_REL = 0.80, 0.20
MOTORCYCLE_DELTA1 = 0.78
ABOVE_NO_BLUR_DB = 3.0
ABOVE_GRADIENT_DB = 0.01
ABOVE_BASELINE = 0.001
"""What "above" means of a share: one pixel in a thousand."""
FLICKER_RATIO = 0.999
"""What "lower" means of a ratio."""


def check_bars(evaluation: Evaluation) -> list[Check]:
    """Every bar that this evaluation can answer."""
    return [
        *_depth_bars(evaluation),
        *_bokeh_bars(evaluation),
        *_flicker_bars(evaluation),
        *_trend_bars(evaluation),
    ]


def _depth_bars(evaluation: Evaluation) -> Iterator[Check]:
    held_out = evaluation.held_out.get(ALL)
    for row, told in (
        (NETWORK, ""),
        (DEFAULT_LENS, ", told the default lens"),
        (AUTOFOCUSED, ", the default lens autofocused"),
        (STOPPED_DOWN, ", told f/8"),
    ):
        score = held_out.depth.get(row) if held_out is not None else None
        if score is None:
            continue
        name = f"held-out{told}, median-aligned"
        yield at_least(f"{name} delta1", score.aligned_delta1, HELD_OUT_DELTA1)
        yield at_most(f"{name} AbsRel", score.aligned_abs_rel, HELD_OUT_ABS_REL)
    if evaluation.motorcycle:
        found = evaluation.motorcycle[NETWORK].aligned_delta1
        name = "Motorcycle, median-aligned delta1"
        yield at_least(name, found, MOTORCYCLE_DELTA1)
    if evaluation.aloe:
        own = evaluation.aloe[NETWORK].delta1
        best = max(row.delta1 for name, row in evaluation.aloe.items() if name != NETWORK)
        name = "Aloe, delta1 above the better baseline"
        yield at_least(name, own - best, ABOVE_BASELINE)


def _bokeh_bars(evaluation: Evaluation) -> Iterator[Check]:
    held_out = evaluation.held_out.get(ALL)
    if held_out is None:
        return
    own = held_out.bokeh[END_TO_END].score.overall_psnr_db
    for rival, bar in ((NO_BLUR, ABOVE_NO_BLUR_DB), (GRADIENT_BLUR, ABOVE_GRADIENT_DB)):
        lead = own - held_out.bokeh[rival].score.overall_psnr_db
        yield at_least(f"end to end above {rival!r}, dB", lead, bar)


def _flicker_bars(evaluation: Evaluation) -> Iterator[Check]:
    if not evaluation.films:
        return
    off = evaluation.films[OFF]
    for mode, name in ((AS_WRITTEN, "TSP"), (SYSTOLIC, "systolic segment states")):
        carried = evaluation.films.get(mode)
        if carried is None:
            continue
        figures = [("bokeh", carried.bokeh_levels, off.bokeh_levels)]
        if carried.log_depth_error is not None and off.log_depth_error is not None:
            figures.append(("depth", carried.log_depth_error, off.log_depth_error))
        for what, with_state, without in figures:
            ratio = with_state / without if without > 0 else 1.0
            yield at_most(f"flicker of {what}, {name} over off", ratio, FLICKER_RATIO)


def _trend_bars(evaluation: Evaluation) -> Iterator[Check]:
    if not evaluation.trend:
        return
    for name, field, larger_is_better in (
        ("AbsRel", "aligned_abs_rel", False),
        ("bokeh PSNR", "end_to_end_psnr_db", True),
    ):
        values = [getattr(point, field) for point in evaluation.trend]
        worse = steps_back(values, larger_is_better)
        yield at_most(f"snapshots worse than the one before, {name}", worse, 0)
