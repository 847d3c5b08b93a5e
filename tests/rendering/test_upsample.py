"""Edge-aware upsampling: ramps become steps, steps stay, and nothing is invented."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.errors import SizeError
from bokehflow.rendering import EdgeAwareUpsample
from bokehflow.rendering.upsample import MIN_WINDOW_PX
from tests.rendering.pictures import textured
from tests.tolerances import DEPTH_LOSS_WON_BACK, FP32_EQUAL

SIZE = (120, 160)


def disk_scene() -> tuple[Tensor, Tensor]:
    """Inverse depth [1, 1, H, W] of a disk before a wall, and a picture that shows both."""
    y, x = torch.arange(SIZE[0]) - 61.0, torch.arange(SIZE[1]) - 77.0
    disk = (torch.hypot(y[:, None], x[None, :]) < 34.0).float()[None, None]
    picture = 0.6 * textured(*SIZE) + 0.4 * disk
    return 0.3 + 0.5 * disk, picture


def smeared(inverse_depth: Tensor) -> Tensor:
    at = torch.arange(-8, 9).float()
    row = torch.exp(-(at**2) / 8.0)
    kernel = (row[:, None] * row[None, :] / row.sum() ** 2)[None, None]
    return F.conv2d(F.pad(inverse_depth, (8,) * 4, mode="replicate"), kernel)


def error(reference: Tensor, test: Tensor) -> float:
    return float((test - reference).abs().mean())


@pytest.mark.parametrize("damage", ["smeared", "reduced 2.5 times", "reduced 4 times"])
def test_half_of_the_damage_at_edges_is_undone(damage: str) -> None:
    exact, picture = disk_scene()
    small = {
        "smeared": smeared(exact),
        "reduced 2.5 times": F.interpolate(exact, (48, 64), mode="area"),
        "reduced 4 times": F.interpolate(exact, (30, 40), mode="area"),
    }[damage]
    plain = F.interpolate(small, SIZE, mode="bilinear", align_corners=False)
    aware = EdgeAwareUpsample((small.shape[2], small.shape[3]), SIZE)(small, picture)
    assert error(exact, aware) < (1.0 - DEPTH_LOSS_WON_BACK) * error(exact, plain)


def test_sharp_steps_and_gentle_slopes_stay() -> None:
    exact, picture = disk_scene()
    upsample = EdgeAwareUpsample(SIZE, SIZE)
    torch.testing.assert_close(upsample(exact, picture), exact, atol=FP32_EQUAL, rtol=0)
    slope = torch.linspace(0.5, 1.0, SIZE[1]).expand(1, 1, *SIZE)
    torch.testing.assert_close(upsample(slope, picture), slope, atol=FP32_EQUAL, rtol=0)


def test_a_steep_floor_is_no_outline() -> None:
    # It rises by a fifth within the window, which would make two objects of it.
    floor = torch.linspace(0.2, 1.0, SIZE[0])[None, None, :, None].expand(1, 1, *SIZE) ** 4
    found = EdgeAwareUpsample(SIZE, SIZE)(floor, textured(*SIZE))
    inside = (..., slice(MIN_WINDOW_PX, -MIN_WINDOW_PX), slice(None))
    torch.testing.assert_close(found[inside], floor[inside], atol=FP32_EQUAL, rtol=0)


def test_depth_stays_within_what_was_there() -> None:
    inverse_depth = torch.rand(2, 1, 9, 16, generator=torch.Generator().manual_seed(0))
    picture = torch.cat([textured(37, 61), textured(37, 61, 1)])
    found = EdgeAwareUpsample((9, 16), (37, 61))(inverse_depth, picture)
    assert found.shape == (2, 1, 37, 61)
    assert float(found.min()) >= float(inverse_depth.min()) - FP32_EQUAL
    assert float(found.max()) <= float(inverse_depth.max()) + FP32_EQUAL


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1)], ids=str)
def test_thin_frames(size: tuple[int, int]) -> None:
    found = EdgeAwareUpsample((1, 1), size)(torch.full((1, 1, 1, 1), 0.4), textured(*size))
    torch.testing.assert_close(found, torch.full((1, 1, *size), 0.4))


@pytest.mark.parametrize("size", [(0, 4), (5.5, 5)], ids=str)
def test_what_is_no_size_is_refused(size: Any) -> None:
    with pytest.raises(SizeError, match="at least 1x1"):
        EdgeAwareUpsample(size, (8, 8))
    with pytest.raises(SizeError, match="at least 1x1"):
        EdgeAwareUpsample((8, 8), size)
