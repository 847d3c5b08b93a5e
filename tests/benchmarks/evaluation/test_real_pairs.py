"""Real photos with measured depth: what baselines score there, and depth of unknown scale."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bokehflow.benchmarks.evaluation.clip_study import CONSTANT, NETWORK, OWN_GRADIENT, depth_rows
from bokehflow.benchmarks.evaluation.gradient import fit_gradient
from bokehflow.benchmarks.evaluation.real_pairs import require_pairs, score_disparity, study_aloe
from bokehflow.calibration.aloe import DisparityPhoto
from bokehflow.calibration.motorcycle import motorcycle
from bokehflow.errors import UnknownNameError
from tests import tolerances as tol
from tests.benchmarks.evaluation.samples import tiny_sight

RNG = np.random.default_rng(0)
TRUTH = RNG.uniform(20.0, 200.0, (24, 32))
EVERYWHERE = np.ones(TRUTH.shape, dtype=bool)


def test_blind_baselines_on_the_motorcycle() -> None:
    photos = motorcycle()
    inverse_depth = 1.0 / photos.depth_m[0, 0].numpy()
    gradient = fit_gradient(inverse_depth, photos.measured)
    seen = {NETWORK: 1.0 / inverse_depth}
    rows = depth_rows(inverse_depth, seen, photos.measured, gradient)
    assert rows[NETWORK].aligned_delta1 == 1.0
    assert rows[CONSTANT].aligned_delta1 == pytest.approx(0.55, abs=tol.PUBLISHED_DIGIT)
    assert rows[OWN_GRADIENT].aligned_delta1 == pytest.approx(0.74, abs=tol.PUBLISHED_DIGIT)


def test_scale_and_shift_are_forgiven_but_not_the_wrong_way_round() -> None:
    right = score_disparity(TRUTH, 0.003 * TRUTH + 0.2, EVERYWHERE)
    assert right.delta1 == 1.0
    assert right.abs_rel == pytest.approx(0.0, abs=tol.DEPTH_FORMULA)
    assert right.correlation == pytest.approx(1.0)
    wrong = score_disparity(TRUTH, 1.0 - 0.003 * TRUTH, EVERYWHERE)
    flat = score_disparity(TRUTH, np.full(TRUTH.shape, 0.1), EVERYWHERE)
    assert (wrong.delta1, wrong.abs_rel) == pytest.approx((flat.delta1, flat.abs_rel))
    assert wrong.correlation == pytest.approx(-1.0)
    assert flat.correlation is None


def test_pixels_without_disparity_do_not_count() -> None:
    known = EVERYWHERE.copy()
    known[:6] = False
    spoiled = np.where(known, TRUTH, 1e6)
    assert score_disparity(TRUTH, spoiled, known).delta1 == 1.0


def test_the_network_is_scored_beside_both_baselines() -> None:
    photo = DisparityPhoto(torch.rand(1, 3, *TRUTH.shape), TRUTH.astype(np.float32), EVERYWHERE)
    rows = study_aloe(tiny_sight(), photo)
    assert list(rows) == [NETWORK, CONSTANT, OWN_GRADIENT]


def test_pairs_that_do_not_exist_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'aloe'"):
        require_pairs(("aloes",))
