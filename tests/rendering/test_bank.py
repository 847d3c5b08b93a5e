"""The bank of radii and the pyramid levels of its layers."""

from itertools import pairwise

import pytest

from bokehflow.rendering.bank import GROWTH, LEVELS_FROM_PX, radius_bank
from bokehflow.rendering.config import Quality
from tests.tolerances import BANK_RATIO

QUALITIES: tuple[Quality, ...] = ("mobile", "best")


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("far", [0.0, 0.4, 3.0, 40.0, 480.0])
@pytest.mark.parametrize("near", [0.0, 1.0, 75.0])
def test_bank_runs_from_end_to_end_through_zero(quality: Quality, far: float, near: float) -> None:
    radii = [layer.radius_px for layer in radius_bank(quality, far, near)]
    assert radii == sorted(set(radii))
    assert 0.0 in radii
    assert radii[0] == pytest.approx(-far)
    assert radii[-1] == pytest.approx(near)


@pytest.mark.parametrize("quality", QUALITIES)
def test_no_gap_beyond_the_table_is_wider_than_the_growth(quality: Quality) -> None:
    radii = [layer.radius_px for layer in radius_bank(quality, 0.0, 480.0)]
    large = [r for r in radii if r > 27.0]
    assert max(b / a for a, b in pairwise(large)) < GROWTH[quality] + BANK_RATIO


@pytest.mark.parametrize("quality", QUALITIES)
def test_coarse_levels_keep_the_shape(quality: Quality) -> None:
    for layer in radius_bank(quality, 75.0, 75.0):
        if layer.level > 1 or (layer.level and quality == "best"):
            assert abs(layer.radius_px) / 2**layer.level >= 3.0
        assert layer.level == 0 or abs(layer.radius_px) >= LEVELS_FROM_PX[quality][0]
        assert layer.fill_level >= max(layer.level, 1)


def test_layer_counts_at_radius_40() -> None:
    assert len(radius_bank("mobile", 40.0, 40.0)) == 19
    assert len(radius_bank("best", 40.0, 40.0)) == 23
