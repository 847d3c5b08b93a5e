"""Blur kernels: their sum, spread, shape and orientation."""

import math

import pytest
import torch

from bokehflow.rendering.aperture import aperture_variance, level_kernel
from bokehflow.rendering.bank import radius_bank
from bokehflow.rendering.blur import LensBlur
from bokehflow.rendering.config import Quality
from tests.tolerances import (
    APERTURE_FLAT,
    APERTURE_VARIANCE_REL,
    CHAIN_VARIANCE_REL,
    POLYGON_DISK_REL,
)


def variances(kernel: torch.Tensor) -> tuple[float, float]:
    at = torch.arange(kernel.shape[0], dtype=kernel.dtype)
    found = []
    for axis in (0, 1):
        profile = kernel.sum(axis)
        mean = float((profile * at).sum())
        found.append(float((profile * (at - mean) ** 2).sum()))
    return found[0], found[1]


@pytest.mark.parametrize("blades", [0, 3, 5, 6, 9])
@pytest.mark.parametrize("radius", [0.0, 0.3, 1.0, 1.8, 5.0, 11.0])
def test_kernel_has_unit_sum_and_the_variance_of_the_aperture(radius: float, blades: int) -> None:
    kernel = level_kernel(radius, 0, blades, rotation_deg=17.0)
    assert kernel.shape[0] % 2 == 1
    assert float(kernel.sum()) == pytest.approx(1.0)
    wanted = aperture_variance(radius, blades)
    assert sum(variances(kernel)) / 2 == pytest.approx(wanted, rel=APERTURE_VARIANCE_REL)


@pytest.mark.parametrize("quality", ["mobile", "best"])
@pytest.mark.parametrize("radius", [5.0, 13.0, 18.0, 30.0, 52.0])
def test_a_point_has_the_spread_of_the_aperture_at_every_level(
    quality: Quality, radius: float
) -> None:
    blur = LensBlur(radius_bank(quality, radius, radius), 1, 0, 0.0).double()
    half = 3 * math.ceil(radius) + 32
    at = torch.arange(2 * half).double()
    spread = 0.0
    for shift in (0, 1):  # where in its cell of the finest grid the point lies
        light = torch.zeros(1, 1, 2 * half, 2 * half).double()
        light[0, 0, half + shift, half + shift] = 1.0
        found = blur(light, torch.full_like(light, -radius))[0, 0]
        squares = (at - half - shift) ** 2
        spread += float((found.sum(0) + found.sum(1)) @ squares) / 4.0
    assert spread == pytest.approx(aperture_variance(radius, 0), rel=CHAIN_VARIANCE_REL)


def test_disk_variance_is_a_quarter_of_the_squared_radius() -> None:
    assert aperture_variance(3.0, 0) == pytest.approx(9.0 / 4.0)
    assert aperture_variance(1.0, 4000) == pytest.approx(0.25, rel=POLYGON_DISK_REL)


def test_disk_is_flat_inside_and_empty_outside() -> None:
    kernel = level_kernel(9.0, 0, 0, 0.0)
    half = kernel.shape[0] // 2
    at = torch.arange(-half, half + 1)
    distance = torch.hypot(at[:, None].double(), at[None, :].double())
    inside = kernel[distance < 7.5]
    assert float(inside.max() - inside.min()) < APERTURE_FLAT
    assert float(kernel[distance > 10.5].abs().sum()) == 0.0


@pytest.mark.parametrize("rotation_deg", [0.0, 40.0])
def test_corner_of_a_near_triangle_points_along_the_rotation(rotation_deg: float) -> None:
    # Cross-correlation turns a kernel round: the blur of a point is the kernel flipped.
    near = level_kernel(12.0, 0, 3, rotation_deg).flip(0, 1)
    far = level_kernel(-12.0, 0, 3, rotation_deg).flip(0, 1)
    half = near.shape[0] // 2
    y = round(9.0 * math.sin(math.radians(rotation_deg)))
    x = round(9.0 * math.cos(math.radians(rotation_deg)))
    assert near[half + y, half + x] > 0.0
    assert near[half - y, half - x] == 0.0
    torch.testing.assert_close(far, near.flip(0, 1))
