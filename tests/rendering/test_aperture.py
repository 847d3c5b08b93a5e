"""Blur kernels: their sum, spread, shape and orientation."""

import math

import pytest
import torch

from bokehflow.optics import Lens
from bokehflow.rendering import RenderConfig, aperture, render
from bokehflow.rendering.aperture import (
    aperture_variance,
    draw_aperture,
    level_kernel,
    pyramid_variance,
)
from bokehflow.rendering.bank import next_radius, pyramid_level, radius_bank
from bokehflow.rendering.blur import LensBlur
from bokehflow.rendering.config import Quality, largest_radius_px
from tests.rays import ray_shift_px
from tests.tolerances import (
    APERTURE_FLAT,
    APERTURE_VARIANCE_REL,
    CHAIN_VARIANCE_REL,
    LARGE_VARIANCE_REL,
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


@pytest.mark.parametrize("blades", [0, 3, 9])
def test_a_large_kernel_is_drawn_but_once(blades: int, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[float] = []

    def counted(radius: float, blades: int, rotation_deg: float) -> torch.Tensor:
        drawn.append(radius)
        return draw_aperture(radius, blades, rotation_deg)

    monkeypatch.setattr(aperture, "draw_aperture", counted)
    kernel = level_kernel(1000.0, 4, blades, rotation_deg=0.0)
    assert sum(radius > aperture.TINY_RADIUS for radius in drawn) == 1
    wanted = (aperture_variance(1000.0, blades) - pyramid_variance(4)) / 4**4
    assert sum(variances(kernel)) / 2 == pytest.approx(wanted, rel=LARGE_VARIANCE_REL)


@pytest.mark.parametrize("quality", ["mobile", "best"])
def test_kernels_of_frames_up_to_4k_are_solved(quality: Quality) -> None:
    largest_px = next_radius(quality, largest_radius_px(2160, 3840))
    assert largest_px / 2 ** pyramid_level(largest_px, quality) < aperture.SOLVED_RADIUS


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
@pytest.mark.parametrize("depth_m", [1.1, 3.0], ids=["near", "far"])
def test_a_lamp_shows_a_triangle_where_its_rays_pass(depth_m: float, rotation_deg: float) -> None:
    side = 121
    lens = Lens(focal_length_mm=190.0, f_number=1.8, focus_m=1.6)
    lamp = torch.zeros(1, 3, side, side)
    lamp[..., side // 2, side // 2] = 1.0
    config = RenderConfig("best", blades=3, blade_rotation_deg=rotation_deg)
    seen = render(lamp, torch.full((1, 1, side, side), depth_m), lens, config)[0, 0]
    eight_bits = (255.0 * seen).round()
    angle = math.radians(rotation_deg)
    in_corner = (0.8 * math.cos(angle), 0.8 * math.sin(angle))
    x, y = (round(at) for at in ray_shift_px(lens, depth_m, in_corner, side))
    assert eight_bits[side // 2 + y, side // 2 + x] > 0.0
    assert eight_bits[side // 2 - y, side // 2 - x] == 0.0


def test_a_triangle_before_the_focus_is_the_one_behind_it_turned_round() -> None:
    near, far = (level_kernel(radius, 0, 3, rotation_deg=40.0) for radius in (12.0, -12.0))
    torch.testing.assert_close(near, far.flip(0, 1))
