"""Depth metrics against their formulas, outlines, and the blind baselines."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bokehflow.benchmarks.evaluation.depth_edges import edge_f1
from bokehflow.benchmarks.evaluation.depth_scores import mean_depth_score, score_depth
from bokehflow.benchmarks.evaluation.gradient import Gradient, fit_gradient, mean_gradient
from tests import tolerances as tol

SHAPE = (13, 17)
EVERYWHERE = np.ones(SHAPE, dtype=bool)


def depth_map(seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.random.default_rng(seed).uniform(0.5, 20.0, SHAPE)


def step_map(column: int, near: float = 1.0, far: float = 4.0) -> np.ndarray:
    plane = np.full(SHAPE, far)
    plane[:, :column] = near
    return plane


def test_the_truth_itself_scores_perfectly() -> None:
    score = score_depth(depth_map(), depth_map(), EVERYWHERE)
    assert score is not None
    assert score.abs_rel == score.rmse_m == score.silog == 0.0
    assert score.delta1 == score.aligned_delta1 == score.edge_f1 == 1.0


def test_a_wrong_scale_is_an_error_only_until_it_is_mended() -> None:
    score = score_depth(depth_map(), 1.5 * depth_map(), EVERYWHERE)
    assert score is not None
    assert score.abs_rel == pytest.approx(0.5, abs=tol.DEPTH_FORMULA)
    assert score.delta1 == 0.0
    assert score.silog == pytest.approx(0.0, abs=tol.DEPTH_FORMULA)
    assert score.aligned_abs_rel == pytest.approx(0.0, abs=tol.DEPTH_FORMULA)
    assert score.aligned_delta1 == 1.0
    assert score.scaled_abs_rel == pytest.approx(0.0, abs=tol.DEPTH_FORMULA)
    assert score.scaled_delta1 == 1.0


def test_the_scale_is_that_of_least_absolute_log_error() -> None:
    test, truth = depth_map(1), depth_map(2)
    score = score_depth(truth, test, EVERYWHERE)
    assert score is not None

    def misfit(scale: float) -> float:
        return float(np.abs(np.log(scale * test / truth)).sum())

    scales = np.exp(np.linspace(-1.0, 1.0, 2001))
    scaled = scales[np.argmin([misfit(scale) for scale in scales])] * test
    expected = float((np.abs(scaled - truth) / truth).mean())
    assert score.scaled_abs_rel == pytest.approx(expected, rel=tol.SCALE_GRID)
    within = (scaled / truth < 1.25) & (truth / scaled < 1.25)
    assert score.scaled_delta1 == pytest.approx(within.mean(), abs=1.5 / truth.size)


def test_figures_follow_their_formulas() -> None:
    test, truth = depth_map(1), depth_map(2)
    score = score_depth(truth, test, EVERYWHERE)
    assert score is not None
    log_error = np.log(test) - np.log(truth)
    expected = 100.0 * math.sqrt((log_error**2).mean() - log_error.mean() ** 2)
    assert score.silog == pytest.approx(expected, abs=tol.DEPTH_FORMULA)
    expected = math.sqrt(((test - truth) ** 2).mean())
    assert score.rmse_m == pytest.approx(expected, abs=tol.DEPTH_FORMULA)
    within = (test / truth < 1.25) & (truth / test < 1.25)
    assert score.delta1 == pytest.approx(within.mean(), abs=tol.DEPTH_FORMULA)


def test_sky_and_what_was_not_measured_are_not_scored() -> None:
    truth = depth_map()
    truth[0], truth[1] = np.inf, 3.0
    test = truth.copy()
    test[0], test[1] = 2.0, 30.0
    known = EVERYWHERE.copy()
    known[1] = False
    score = score_depth(truth, test, known)
    assert score is not None
    assert score.abs_rel == 0.0
    assert score_depth(np.full(SHAPE, np.inf), test, EVERYWHERE) is None


@pytest.mark.parametrize(("shift_px", "found"), [(0, 1.0), (2, 1.0), (6, 0.0)])
def test_outlines_may_be_two_pixels_off_whatever_the_scale(shift_px: int, found: float) -> None:
    assert edge_f1(step_map(6), 3.0 * step_map(6 + shift_px), EVERYWHERE, EVERYWHERE) == found


def test_outlines_that_are_missing_or_that_nobody_could_find() -> None:
    assert edge_f1(step_map(6), np.full(SHAPE, 2.0), EVERYWHERE, EVERYWHERE) == 0.0
    assert edge_f1(np.full(SHAPE, 2.0), step_map(6), EVERYWHERE, EVERYWHERE) is None


def test_what_lies_beside_a_hole_in_the_truth_is_no_outline() -> None:
    known = EVERYWHERE.copy()
    known[:, 6] = False
    assert edge_f1(step_map(6), step_map(6), known, EVERYWHERE) is None
    filled = step_map(6)
    filled[:, 12] = 1.0
    known = EVERYWHERE.copy()
    known[:, 12] = False
    assert edge_f1(filled, step_map(6), known, EVERYWHERE) == 1.0


def test_what_is_seen_within_the_sky_is_no_fault_and_its_border_is() -> None:
    truth = np.full(SHAPE, 5.0)
    truth[:, 8:] = np.inf
    test = truth.copy()
    test[::3, 13:] = 20.0
    seen, blind = (score_depth(truth, each, EVERYWHERE) for each in (test, np.full(SHAPE, 5.0)))
    assert seen is not None
    assert blind is not None
    assert seen.edge_f1 == 1.0
    assert blind.edge_f1 == 0.0


def test_a_mean_leaves_out_pictures_without_outlines() -> None:
    with_edges = score_depth(step_map(6), step_map(6), EVERYWHERE)
    without = score_depth(np.full(SHAPE, 1.0), np.full(SHAPE, 2.0), EVERYWHERE)
    assert with_edges is not None
    assert without is not None
    mean = mean_depth_score([with_edges, without])
    assert mean.edge_f1 == 1.0
    assert mean.abs_rel == pytest.approx(0.5, abs=tol.DEPTH_FORMULA)


def test_a_gradient_is_found_again_and_flattened() -> None:
    gradient = Gradient(0.1, 0.7)
    plane = gradient.inverse_depth(*SHAPE)
    assert plane[0, 0] == pytest.approx(0.1)
    assert plane[-1, 3] == pytest.approx(0.7)
    known = EVERYWHERE.copy()
    known[4:9] = False
    found = fit_gradient(np.where(known, plane, 99.0), known)
    assert (found.top, found.bottom) == pytest.approx((0.1, 0.7), abs=tol.DEPTH_FORMULA)
    assert found.flattened().inverse_depth(2, 2) == pytest.approx(np.full((2, 2), 0.4))
    mean = mean_gradient([gradient, Gradient(0.3, 0.1)])
    assert (mean.top, mean.bottom) == pytest.approx((0.2, 0.4))


def test_a_gradient_stays_in_front_of_the_farthest_depth() -> None:
    assert Gradient(-1.0, 1.0).inverse_depth(3, 1).min() == pytest.approx(1.0 / 80.0)
