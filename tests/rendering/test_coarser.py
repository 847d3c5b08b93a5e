"""Coarse grids keep light where it is."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.rendering.bank import pyramid_level, radius_bank
from bokehflow.rendering.blur import LensBlur
from bokehflow.rendering.cells import enlarged
from bokehflow.rendering.coarser import PROFILE_VARIANCE, Coarser
from bokehflow.rendering.config import Quality
from tests.tolerances import FP32_EQUAL, LAMP_CENTRE_PX, LAMP_HALVED_PX


def test_coarser_is_the_adjoint_of_enlarging_to_the_border() -> None:
    """<coarser(x), y> = <x, enlarged(y)> / 4."""
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(1, 3, 12, 20, generator=generator)
    y = torch.rand(1, 3, 6, 10, generator=generator)
    there = (Coarser([3])(x) * y).double().sum()
    back = (x * enlarged(y, 2)).double().sum() / 4.0
    torch.testing.assert_close(there, back, rtol=FP32_EQUAL, atol=0)


def test_no_light_is_gained_or_lost_at_the_border() -> None:
    coarser = Coarser([1])
    for place in range(8):
        lamp = torch.zeros(1, 1, 16, 16)
        lamp[..., place, place] = 1.0
        assert 16.0 * float(coarser(coarser(lamp)).sum()) == pytest.approx(1.0)


def test_what_is_the_same_everywhere_stays_so() -> None:
    flat = Coarser([2])(torch.full((1, 2, 32, 16), 0.7))
    torch.testing.assert_close(flat, torch.full((1, 2, 16, 8), 0.7), rtol=0, atol=FP32_EQUAL)


def test_the_spread_of_a_halving_is_that_of_its_profile() -> None:
    """Over all places within a cell, against the sum of the squares of how far light goes."""
    coarser, moved = Coarser([1]), []
    for place in (14, 15, 16, 17):
        line = torch.zeros(1, 1, 2, 32)
        line[..., place] = 1.0
        weights = F.normalize(coarser(line).sum((0, 1, 2)).double(), p=1, dim=0)
        at = 2.0 * torch.arange(16) + 0.5
        moved.append(float((weights * (at - place) ** 2).sum()))
    assert sum(moved) / 4 == pytest.approx(PROFILE_VARIANCE)


@pytest.mark.parametrize("quality", ["mobile", "best"])
@pytest.mark.parametrize("radius_px", [4.0, 14.0, 30.0, 52.0])
@pytest.mark.parametrize("lamp_px", [1, 2])
def test_the_disk_of_a_lamp_moves_as_the_lamp_does(
    quality: Quality, radius_px: float, lamp_px: int
) -> None:
    """By a pixel at a time, and not by a cell of 16 in one jump. The means of the first halving put
    a lamp of one pixel half a pixel to and fro, and none of two."""
    height, width = 160, 192
    is_halved = pyramid_level(radius_px, quality) > 0
    within = LAMP_HALVED_PX if lamp_px == 1 and is_halved else LAMP_CENTRE_PX
    bank = radius_bank(quality, radius_px, radius_px)
    blur = LensBlur(bank, 3, 0, 0.0)
    off_centre = (lamp_px - 1) / 2
    for left in range(80, 97):
        frame = torch.zeros(1, 3, height, width)
        frame[:, :, 78 : 78 + lamp_px, left : left + lamp_px] = 1000.0
        disk = blur(frame, torch.full((1, 1, height, width), -radius_px))[0, 0]
        assert _centre(disk.sum(0)) == pytest.approx(left + off_centre, abs=within)
        assert _centre(disk.sum(1)) == pytest.approx(78 + off_centre, abs=within)


def _centre(profile: Tensor) -> float:
    weights = F.normalize(profile.double(), p=1, dim=0)
    return float((weights * torch.arange(len(profile))).sum())
