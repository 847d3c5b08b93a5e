"""Resizing keeps what it must: constants, slopes, positions, and agrees with torch's own."""

import pytest
import torch
import torch.nn.functional as F

from bokehflow.layers.resample import Resample
from bokehflow.specs import Size
from tests.tolerances import FP32_EQUAL, RESAMPLE_SHIFT_PX

SIZES = [
    ("72x128", "30x52"),
    ("720x1280", "288x512"),
    ("50x74", "24x36"),
    ("7x9", "7x9"),
    ("1x5", "1x3"),
]


@pytest.mark.parametrize(("large", "small"), SIZES)
def test_constants_stay(large: str, small: str) -> None:
    for source, target in ((large, small), (small, large)):
        a, b = Size.parse(source), Size.parse(target)
        found = Resample(a, b)(torch.full((2, 3, a.height, a.width), 0.7))
        assert found.shape == (2, 3, b.height, b.width)
        torch.testing.assert_close(found, torch.full_like(found, 0.7))


@pytest.mark.parametrize(("large", "small"), SIZES)
def test_enlarging_is_linear_interpolation(large: str, small: str) -> None:
    source, target = Size.parse(small), Size.parse(large)
    # In float64, since torch computes positions in the dtype of the picture.
    x = torch.rand(2, 2, source.height, source.width, dtype=torch.float64)
    expected = F.interpolate(x, (target.height, target.width), mode="bilinear", align_corners=False)
    found = Resample(source, target)(x)
    torch.testing.assert_close(found, expected, atol=FP32_EQUAL, rtol=FP32_EQUAL)


def test_shrinking_without_pooling_is_torchs_antialiased_resize_inside() -> None:
    x = torch.rand(1, 1, 45, 75)
    found = Resample(Size(45, 75), Size(27, 50))(x)[:, :, 2:-2, 2:-2]
    expected = F.interpolate(x, (27, 50), mode="bilinear", antialias=True)[:, :, 2:-2, 2:-2]
    torch.testing.assert_close(found, expected, atol=FP32_EQUAL, rtol=FP32_EQUAL)


@pytest.mark.parametrize(("large", "small"), [("720x1280", "288x512"), ("500x741", "344x512")])
def test_positions_stay_in_place_both_ways(large: str, small: str) -> None:
    a, b = Size.parse(large), Size.parse(small)
    for source, target in ((a, b), (b, a)):
        ramp = (torch.arange(source.width, dtype=torch.float64) + 0.5) / source.width
        found = Resample(source, target)(ramp.expand(1, 1, source.height, -1))
        expected = (torch.arange(target.width) + 0.5) / target.width
        moved_px = (found[0, 0, 0] - expected)[4:-4].abs().max() * target.width
        assert moved_px < RESAMPLE_SHIFT_PX
