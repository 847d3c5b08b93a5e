"""How far a depth map is from the truth, as it stands and with its scale mended.

Depths of both are taken within DEPTH_MIN_M and DEPTH_JUDGED_M, and pixels whose truth lies beyond
are not scored: 80 m is the field's usual bound, and sky has no depth to be wrong by.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bokehflow.benchmarks.evaluation.depth_edges import edge_f1
from bokehflow.benchmarks.planes import Mask, Plane
from bokehflow.specs import DEPTH_JUDGED_M, DEPTH_MIN_M

DELTA1_RATIO = 1.25
SILOG_UNIT = 100.0
"""SILog is given in percent, as the KITTI benchmark does."""


@dataclass(frozen=True, slots=True)
class DepthScore:
    """One depth map against its truth, or the mean over several.

    abs_rel: mean |error| / truth. rmse_m: root mean square error in metres. silog: spread of the
    log error, x 100; no scale changes it that keeps depths within the bounds. delta1: share of
    pixels within a factor of 1.25. aligned_*: the same after the map is scaled to the truth's
    median (Zhou et al. 2017, arXiv 1704.07813). scaled_*: after it is scaled by the median of truth
    / map, of all scales that with the least absolute log error. edge_f1: outlines, None where the
    truth has none.
    """

    abs_rel: float
    rmse_m: float
    silog: float
    delta1: float
    aligned_abs_rel: float
    aligned_rmse_m: float
    aligned_delta1: float
    scaled_abs_rel: float
    scaled_delta1: float
    edge_f1: float | None


def score_depth(truth_m: Plane, test_m: Plane, known: Mask) -> DepthScore | None:
    """Score a depth map. truth_m, test_m: metres [H, W], inf allowed; known: where truth is known.

    None where no pixel's truth is known and near enough.
    """
    scored = known & (truth_m <= DEPTH_JUDGED_M) & (truth_m >= DEPTH_MIN_M)
    if not scored.any():
        return None
    truth, test = truth_m[scored].astype(np.float64), _bounded(test_m[scored])
    aligned = _bounded(test * (np.median(truth) / np.median(test)))
    scaled = _bounded(test * np.median(truth / test))
    log_error = np.log(test / truth)
    return DepthScore(
        abs_rel=_abs_rel(truth, test),
        rmse_m=_rmse(truth, test),
        silog=SILOG_UNIT * float(log_error.std()),
        delta1=delta1(truth, test),
        aligned_abs_rel=_abs_rel(truth, aligned),
        aligned_rmse_m=_rmse(truth, aligned),
        aligned_delta1=delta1(truth, aligned),
        scaled_abs_rel=_abs_rel(truth, scaled),
        scaled_delta1=delta1(truth, scaled),
        edge_f1=edge_f1(_bounded(truth_m), _bounded(test_m), known, truth_m <= DEPTH_JUDGED_M),
    )


def mean_depth_score(scores: Sequence[DepthScore]) -> DepthScore:
    """The mean of at least one score; edges over those that have any."""
    means = {
        field.name: _mean([getattr(score, field.name) for score in scores])
        for field in dataclasses.fields(DepthScore)
    }
    return DepthScore(**means)  # type: ignore[arg-type]


def delta1(truth: Plane, test: Plane) -> float:
    """Share of values within a factor of 1.25 of the truth's; both above 0."""
    return float((np.maximum(test / truth, truth / test) < DELTA1_RATIO).mean())


def _mean(values: Sequence[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return statistics.fmean(present) if present else None


def _bounded(depth_m: Plane) -> Plane:
    bounded: Plane = np.clip(depth_m.astype(np.float64), DEPTH_MIN_M, DEPTH_JUDGED_M)
    return bounded


def _abs_rel(truth: Plane, test: Plane) -> float:
    return float((np.abs(test - truth) / truth).mean())


def _rmse(truth: Plane, test: Plane) -> float:
    return float(np.sqrt(((test - truth) ** 2).mean()))
