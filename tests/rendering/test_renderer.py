"""The renderer against what optics says it must do."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from skimage import data

from bokehflow.errors import SizeError
from bokehflow.rendering import RenderConfig, Renderer
from bokehflow.rendering.aperture import draw_aperture
from bokehflow.rendering.bank import radius_bank
from bokehflow.rendering.blur import LensBlur
from bokehflow.rendering.config import Quality
from bokehflow.srgb import linear_to_srgb, srgb_to_linear
from tests.rendering.pictures import psnr_db, step_profile, stepped_radius, textured
from tests.tolerances import (
    BEYOND_BANK,
    EIGHT_BIT_STEP,
    FLAT_FIELD_REL,
    FOCUS_PULL_JUMP_REL,
    IMPULSE_ENERGY_REL,
    PLANE_DB,
    STEP_LEAK,
    STEP_SPILL,
)

QUALITIES: tuple[Quality, ...] = ("mobile", "best")
SIZES = [(96, 160), (97, 161), (161, 97), (1, 1), (1, 77), (53, 1)]


def light_blur(quality: Quality, max_px: float = 75.0) -> LensBlur:
    return LensBlur(radius_bank(quality, max_px, max_px), 1, 0, 0.0)


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_without_blur_the_frame_comes_back(size: tuple[int, int], quality: Quality) -> None:
    image = textured(*size)
    rendered = Renderer(*size, RenderConfig(quality))(image, torch.zeros(1, 1, *size))
    assert rendered.shape == image.shape
    assert float((rendered - image).abs().max()) < EIGHT_BIT_STEP / 100


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_any_size_renders_finite_values_in_range(size: tuple[int, int], quality: Quality) -> None:
    radius = stepped_radius(*size, -30.0, 30.0)
    rendered = Renderer(*size, RenderConfig(quality, blades=6))(textured(*size), radius)
    assert rendered.shape == (1, 3, *size)
    assert bool(((rendered >= 0) & (rendered <= 1)).all())


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("radius_px", [0.3, 0.7, 1.25, 1.5, 2.2, 2.7, 3.2, 5.3, 8.5])
def test_a_plane_between_two_radii_of_the_bank_looks_as_through_a_disk(
    radius_px: float, quality: Quality
) -> None:
    photo = torch.from_numpy(data.astronaut()[:192, 128:320].copy()).permute(2, 0, 1)[None] / 255
    disk = draw_aperture(radius_px, 0, 0.0).float().expand(3, 1, -1, -1)
    padded = torch.nn.functional.pad(
        srgb_to_linear(photo), (disk.shape[-1] // 2,) * 4, mode="replicate"
    )
    truth = linear_to_srgb(torch.nn.functional.conv2d(padded, disk, groups=3))
    blur = LensBlur(radius_bank(quality, 50.0, 50.0), 3, 0, 0.0)
    rendered = blur(srgb_to_linear(photo), torch.full((1, 1, 192, 192), -radius_px))
    assert psnr_db(truth, linear_to_srgb(rendered)) > PLANE_DB


def test_frames_of_a_batch_do_not_touch_each_other() -> None:
    renderer = Renderer(45, 62, RenderConfig("mobile", max_radius_px=20.0))
    images = torch.cat([textured(45, 62, seed) for seed in range(3)])
    radii = torch.cat([stepped_radius(45, 62, -r, r) for r in (4.0, 9.0, 18.0)])
    together = renderer(images, radii)
    for i in range(3):
        alone = renderer(images[i : i + 1], radii[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone)


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("radius", [0.3, 1.4, 4.0, 13.0, 33.0, 75.0])
@pytest.mark.parametrize("sign", [-1.0, 1.0], ids=["far", "near"])
def test_a_flat_field_stays_flat(sign: float, radius: float, quality: Quality) -> None:
    light = torch.full((1, 1, 61, 83), 0.5)
    blurred = light_blur(quality)(light, torch.full_like(light, sign * radius))
    assert float((blurred / light - 1.0).abs().max()) < FLAT_FIELD_REL


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("radius", [0.0, 0.5, 1.0, 2.3, 6.0, 14.0, 30.0, 52.0, 75.0])
def test_an_impulse_keeps_its_energy(radius: float, quality: Quality) -> None:
    side = 2 * int(radius * 1.5) + 33
    light = torch.zeros(1, 1, side, side)
    light[0, 0, side // 2, side // 2] = 1.0
    for sign in (-1.0, 1.0):
        blurred = light_blur(quality)(light, torch.full_like(light, sign * radius))
        assert abs(float(blurred.sum()) - 1.0) < IMPULSE_ENERGY_REL


@pytest.mark.parametrize("quality", QUALITIES)
def test_brightness_does_not_pump_in_a_focus_pull(quality: Quality) -> None:
    blur = light_blur(quality, 20.0)
    light = textured(64, 64)[:, :1] ** 2.2
    mean = [float(blur(light, torch.full_like(light, 0.05 * i)).mean()) for i in range(61)]
    jumps = [abs(b / a - 1.0) for a, b in pairwise(mean)]
    assert max(jumps) <= FOCUS_PULL_JUMP_REL


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("radius", [6.0, 13.0, 20.0, 36.0])
def test_near_half_plane_spills_as_the_disk_says(radius: float, quality: Quality) -> None:
    height, width, edge = 96, 240, 120
    near = (torch.arange(width) >= edge).float().expand(1, 1, height, width)
    blurred = light_blur(quality, 50.0)(near, near * radius)[0, 0, height // 2]
    error = (blurred - step_profile(width, edge, radius)).abs()
    assert float(error.max()) <= STEP_SPILL[quality]


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("radius", [6.0, 13.0, 20.0, 36.0])
def test_far_blur_stops_at_a_sharp_edge(radius: float, quality: Quality) -> None:
    height, width, edge = 96, 240, 120
    far = (torch.arange(width) >= edge).float().expand(1, 1, height, width)
    blurred = light_blur(quality, 50.0)(far, -far * radius)
    assert float((blurred - far).abs().max()) < STEP_LEAK


@pytest.mark.parametrize("size", [(5.5, 5), (0, 5), (5, True), ("5", 5)], ids=str)
def test_what_is_no_size_is_refused(size: Any) -> None:
    with pytest.raises(SizeError, match="whole pixels, at least 1x1"):
        Renderer(*size)


@pytest.mark.parametrize(
    ("image", "radius", "message"),
    [
        (
            (1, 3, 40, 64),
            (1, 1, 40, 64),
            r"image of shape \[1, 3, 40, 64\]; expected \[B, 3, 48, 64",
        ),
        ((1, 4, 48, 64), (1, 1, 48, 64), r"image of shape \[1, 4"),
        ((1, 3, 48, 64), (1, 1, 48, 1), r"radius_px of shape \[1, 1, 48, 1\]; expected \[B, 1, 48"),
    ],
    ids=["size", "channels", "radii"],
)
def test_frames_of_another_size_are_refused(
    image: tuple[int, ...], radius: tuple[int, ...], message: str
) -> None:
    with pytest.raises(SizeError, match=message):
        Renderer(48, 64)(torch.rand(image), torch.zeros(radius))


def test_radii_beyond_the_bank_are_those_of_its_ends() -> None:
    renderer = Renderer(40, 56, RenderConfig("mobile", max_radius_px=8.0))
    image = textured(40, 56)
    beyond = renderer(image, stepped_radius(40, 56, -90.0, 90.0))
    at_the_end = renderer(image, stepped_radius(40, 56, -8.0, 8.0))
    # Only unmixing sees by how much the radii differ at the two outlines.
    outline = torch.zeros(56, dtype=torch.bool)
    outline[17:23] = outline[37:43] = True
    away = torch.nn.functional.max_pool1d(outline.float()[None], 17, 1, 8)[0] == 0
    torch.testing.assert_close(beyond[..., away], at_the_end[..., away], atol=BEYOND_BANK, rtol=0)
