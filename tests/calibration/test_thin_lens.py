"""The tracer is the truth of every quality figure, so it is checked by what is known exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from bokehflow.calibration.aperture import Aperture, lens_samples
from bokehflow.calibration.surface import Field, Plane
from bokehflow.calibration.thin_lens import Layer, largest_radius_px, trace, visible_depth_m
from bokehflow.errors import SizeError
from bokehflow.optics import Lens
from tests import tolerances as tol
from tests.rays import ray_shift_px

HEIGHT, WIDTH, MARGIN = 21, 33, 12
LENS = Lens(focal_length_mm=85.0, f_number=1.4, focus_m=2.0)
SHARP = torch.zeros(1, 2, dtype=torch.float64)


def inverse_depth_for(radius_px: float) -> float:
    offset = LENS.signed_radius_px(0.0, WIDTH)
    return float((radius_px - offset) / (LENS.signed_radius_px(1.0, WIDTH) - offset))


def canvas_of(colour: torch.Tensor) -> torch.Tensor:
    """Texels of a layer whose pixels have the given values, [C, H + 2 m, W + 2 m]."""
    return colour.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)


def random_opaque(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    rgb = torch.rand(3, HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN, generator=generator)
    return torch.cat([canvas_of(rgb), torch.ones(1, 2 * rgb.shape[1], 2 * rgb.shape[2])])


def flat(rgba: torch.Tensor, radius_px: float) -> Layer:
    return Layer(rgba, Plane(inverse_depth_for(radius_px)), MARGIN)


def as_field(plane: Plane) -> Field:
    return Field(plane.on_canvas(2 * (HEIGHT + 2 * MARGIN), 2 * (WIDTH + 2 * MARGIN)).clone())


@pytest.mark.parametrize("shift", [(3, 0), (0, -2), (-4, 5)], ids=["right", "up", "diagonal"])
@pytest.mark.parametrize("radius_px", [5.0, -5.0], ids=["near", "far"])
def test_a_flat_layer_moves_as_its_rays_do(shift: tuple[int, int], radius_px: float) -> None:
    rgba = random_opaque()
    u = (-shift[0] / radius_px, -shift[1] / radius_px)
    layer = flat(rgba, radius_px)
    depth_m = float(1.0 / layer.inverse_depth()[0, 0])
    assert ray_shift_px(LENS, depth_m, u, WIDTH) == pytest.approx(shift, abs=tol.RADIUS_PX)
    picture = trace([layer], LENS, torch.tensor([u], dtype=torch.float64))
    pixels = torch.nn.functional.avg_pool2d(rgba[:3], 2)
    top, left = MARGIN - shift[1], MARGIN - shift[0]
    expected = pixels[:, top : top + HEIGHT, left : left + WIDTH]
    torch.testing.assert_close(picture, expected, atol=tol.TRACER_SHIFT, rtol=0)


def test_a_move_by_half_a_pixel_averages_the_halves() -> None:
    rgba = random_opaque()
    u = torch.tensor([[-0.1, 0.0]], dtype=torch.float64)
    picture = trace([flat(rgba, 5.0)], LENS, u)
    pixels = torch.nn.functional.avg_pool2d(rgba[:3], 2)[:, MARGIN : MARGIN + HEIGHT]
    here = pixels[:, :, MARGIN : MARGIN + WIDTH]
    left = pixels[:, :, MARGIN - 1 : MARGIN + WIDTH - 1]
    torch.testing.assert_close(picture, (here + left) / 2, atol=tol.TRACER_SHIFT, rtol=0)


@pytest.mark.parametrize("radius_px", [0.0, 2.3, -7.7])
def test_a_field_that_is_constant_is_a_flat_layer(radius_px: float) -> None:
    rgba = random_opaque()
    rgba[:, :30] = 0.0
    plane = Plane(inverse_depth_for(radius_px))
    samples = lens_samples(Aperture(), 16)
    behind = flat(random_opaque(1), -4.0)
    shifted = trace([behind, Layer(rgba, plane, MARGIN)], LENS, samples)
    warped = trace([behind, Layer(rgba, as_field(plane), MARGIN)], LENS, samples)
    torch.testing.assert_close(warped, shifted, atol=tol.TRACER_WARP, rtol=0)


def test_a_slanted_field_is_a_slanted_plane() -> None:
    slanted = Plane(inverse_depth_for(3.0), slope_x=2e-3, slope_y=-4e-3)
    samples = lens_samples(Aperture(), 16)
    rgba = random_opaque()
    exact = trace([Layer(rgba, slanted, MARGIN)], LENS, samples)
    iterated = trace([Layer(rgba, as_field(slanted), MARGIN)], LENS, samples)
    torch.testing.assert_close(iterated, exact, atol=tol.TRACER_FIELD, rtol=0)


def test_a_slanted_plane_moves_each_pixel_by_its_own_radius() -> None:
    """A dot drawn where the radius is 4 px lands 4 px away; one where it is 0 stays."""
    zero, slope = inverse_depth_for(0.0), inverse_depth_for(1.0) - inverse_depth_for(0.0)
    plane = Plane(zero, slope_x=slope / 3)
    rgba = random_opaque() * 0.0
    rgba[3] = 1.0
    for x_px in (0, 12):
        col = 2 * (MARGIN + WIDTH // 2 + x_px)
        row = 2 * (MARGIN + HEIGHT // 2)
        rgba[:3, row : row + 2, col : col + 2] = 1.0
    picture = trace([Layer(rgba, plane, MARGIN)], LENS, torch.tensor([[0.0, -1.0]]))
    green = picture[1]
    assert green[HEIGHT // 2, WIDTH // 2] > 0.9
    assert green[HEIGHT // 2 + 4, WIDTH // 2 + 12] > 0.9


def test_near_hides_far_and_lets_it_through_where_it_is_blurred() -> None:
    """A bright half-plane in front of a dark one: the profile is the disk's covered share."""
    dark = flat(random_opaque() * 0.0 + torch.tensor([0, 0, 0, 1.0])[:, None, None], 0.0)
    near = torch.ones_like(dark.rgba)
    near[:, :, 2 * (MARGIN + WIDTH // 2) :] = 0.0
    radius = 8.0
    picture = trace([dark, flat(near, radius)], LENS, lens_samples(Aperture(), 1024))
    distance = torch.arange(WIDTH) + 0.5 - WIDTH // 2
    x = (distance / radius).clamp(-1, 1)
    covered = 0.5 - (x * torch.sqrt(1 - x * x) + torch.asin(x)) / math.pi
    torch.testing.assert_close(
        picture[0, HEIGHT // 2], covered.to(picture.dtype), atol=tol.TRACER_COVERAGE, rtol=0
    )


@pytest.mark.parametrize("blades", [0, 6], ids=["disk", "hexagon"])
def test_more_samples_change_little(blades: int) -> None:
    layers = [flat(random_opaque(), -7.0), flat(random_opaque(1) * 0.5, 4.0)]
    few, many = (trace(layers, LENS, lens_samples(Aperture(blades), n)) for n in (256, 1024))
    assert float((few - many).square().mean().sqrt()) < tol.TRACER_CONVERGENCE_RMS


def test_two_runs_give_the_same_bytes() -> None:
    layers = [flat(random_opaque(), -7.0), flat(random_opaque(1) * 0.5, 4.0)]
    runs = [trace(layers, LENS, lens_samples(Aperture(5), 64)).numpy() for _ in range(2)]
    assert np.array_equal(runs[0], runs[1])


def test_depth_is_that_of_the_layer_that_covers_half() -> None:
    near = random_opaque(1)
    near[3, :, : near.shape[2] // 2] = 0.4
    depth = visible_depth_m([flat(random_opaque(), -3.0), flat(near, 4.0)])
    assert depth.shape == (1, HEIGHT, WIDTH)
    radius = LENS.radius_px(depth[0], WIDTH)
    torch.testing.assert_close(
        radius[:, 2], torch.full((HEIGHT,), -3.0), atol=tol.RADIUS_PX, rtol=0
    )
    torch.testing.assert_close(
        radius[:, -2], torch.full((HEIGHT,), 4.0), atol=tol.RADIUS_PX, rtol=0
    )


def test_largest_radius_counts_only_what_is_drawn() -> None:
    plane = Plane(inverse_depth_for(0.0), slope_x=1e-2)
    rgba = random_opaque()
    whole = largest_radius_px([Layer(rgba, plane, MARGIN)], LENS)
    rgba[:, :, : rgba.shape[2] // 2 - 2] = 0.0
    rgba[:, :, rgba.shape[2] // 2 + 2 :] = 0.0
    assert largest_radius_px([Layer(rgba, plane, MARGIN)], LENS) < 0.1 * whole


def test_a_blur_beyond_the_margin_is_refused() -> None:
    with pytest.raises(SizeError, match="margin of at least 15 px"):
        trace([flat(random_opaque(), 13.5)], LENS, torch.tensor([[1.0, 0.0]]))


def test_a_field_too_steep_is_refused() -> None:
    steep = as_field(Plane(inverse_depth_for(0.0), slope_x=inverse_depth_for(1.0)))
    with pytest.raises(SizeError, match="hide parts of itself"):
        trace([Layer(random_opaque(), steep, MARGIN)], LENS, SHARP)


def test_layers_of_two_sizes_are_refused() -> None:
    small = Layer(random_opaque()[:, :-2], Plane(0.5), MARGIN)
    with pytest.raises(SizeError, match="one size"):
        trace([flat(random_opaque(), 0.0), small], LENS, SHARP)


@pytest.mark.parametrize("corner", ["before", "after"])
def test_a_slanted_layer_out_of_reach_changes_nothing(corner: str) -> None:
    behind = flat(random_opaque(), 0.0)
    unseen = random_opaque(1)
    speck = slice(0, 2) if corner == "before" else slice(-2, None)
    alpha = torch.zeros_like(unseen[3])
    alpha[speck, speck] = 1.0
    unseen = unseen * alpha
    unseen[3] = alpha
    plane = Plane(inverse_depth_for(0.0), slope_x=1e-4)
    alone = trace([behind], LENS, SHARP)
    assert torch.equal(trace([behind, Layer(unseen, plane, MARGIN)], LENS, SHARP), alone)
