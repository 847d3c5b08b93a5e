"""Coarse grids keep light where it is."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.rendering.bank import radius_bank
from bokehflow.rendering.blur import LensBlur
from bokehflow.rendering.cells import enlarged
from bokehflow.rendering.coarser import Coarser, tent_profile
from bokehflow.rendering.config import Quality
from tests.tolerances import FP32_EQUAL, LAMP_CENTRE_PX

LEVELS = (2, 3, 4)


@pytest.mark.parametrize("level", LEVELS)
def test_coarser_is_the_adjoint_of_enlarging(level: int) -> None:
    """<coarser(x), y> = <x, enlarged(y)> / factor^2, away from the border."""
    factor = 2 ** (level - 1)
    x, y = torch.zeros(1, 3, 8 * factor, 6 * factor), torch.zeros(1, 3, 8, 6)
    x[:, :, 2 * factor : -2 * factor, 2 * factor : -2 * factor] = torch.rand(
        1, 3, 4 * factor, 2 * factor
    )
    y[:, :, 1:-1, 1:-1] = torch.rand(1, 3, 6, 4)
    shrunk = Coarser([level], [3])(x, level)
    there = (shrunk * y).double().sum()
    back = (x * enlarged(y, factor)).double().sum() / factor**2
    torch.testing.assert_close(there, back, rtol=FP32_EQUAL, atol=0)


@pytest.mark.parametrize("level", LEVELS)
def test_what_is_the_same_everywhere_stays_so_to_the_border(level: int) -> None:
    flat = Coarser([level], [2])(torch.full((1, 2, 32, 16), 0.7), level)
    assert flat.shape[2:] == (32 >> (level - 1), 16 >> (level - 1))
    torch.testing.assert_close(flat, torch.full_like(flat, 0.7), rtol=0, atol=FP32_EQUAL)


def test_half_size_is_handed_on() -> None:
    half = torch.rand(1, 2, 4, 4)
    assert Coarser([1, 2], [2])(half, 1) is half


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_a_tent_sums_to_one(factor: int) -> None:
    assert tent_profile(factor).shape == (2 * factor,)
    assert float(tent_profile(factor).sum()) == pytest.approx(1.0)


@pytest.mark.parametrize("quality", ["mobile", "best"])
@pytest.mark.parametrize("radius_px", [14.0, 30.0, 52.0])
def test_the_disk_of_a_lamp_moves_as_the_lamp_does(quality: Quality, radius_px: float) -> None:
    """By two pixels at a time, which a grid of half size keeps, not by a cell of 16 in one jump."""
    height, width = 160, 192
    bank = radius_bank(quality, radius_px, radius_px)
    blur = LensBlur(bank, 3, 0, 0.0)
    for left in range(80, 98, 2):
        frame = torch.zeros(1, 3, height, width)
        frame[:, :, 78:80, left : left + 2] = 1000.0
        disk = blur(frame, torch.full((1, 1, height, width), -radius_px))[0, 0]
        assert _centre(disk.sum(0)) == pytest.approx(left + 0.5, abs=LAMP_CENTRE_PX)
        assert _centre(disk.sum(1)) == pytest.approx(78.5, abs=LAMP_CENTRE_PX)


def _centre(profile: Tensor) -> float:
    weights = F.normalize(profile.double(), p=1, dim=0)
    return float((weights * torch.arange(len(profile))).sum())
