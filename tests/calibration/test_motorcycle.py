"""The packaged stereo pair and its depth."""

import numpy as np
import pytest
import skimage.data

from bokehflow.calibration.motorcycle import BASELINE_M, FOCAL_PX, FOV_DEG, motorcycle
from tests.tolerances import FEW_OPERATIONS, KNOWN_FOV_DEG


def test_measured_depth_follows_the_stereo_formula_and_holes_are_filled() -> None:
    photos = motorcycle()
    _, _, disparity = skimage.data.stereo_motorcycle()
    depth = photos.depth_m[0, 0].numpy()
    assert photos.left.shape == photos.right.shape == (1, 3, 500, 741)
    assert np.isfinite(depth).all()
    assert 0.85 < photos.measured.mean() < 1.0
    row, column = 250, 370
    assert photos.measured[row, column]
    by_hand = FOCAL_PX * BASELINE_M / (disparity[row, column] + 31.086)
    assert depth[row, column] == pytest.approx(by_hand, rel=FEW_OPERATIONS)
    measured = depth[photos.measured]
    assert measured.min() <= depth.min()
    assert depth.max() <= measured.max()
    assert pytest.approx(40.9, abs=KNOWN_FOV_DEG) == FOV_DEG
