"""`render`: any picture, and plain errors for what cannot be rendered."""

import dataclasses
import json
import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from bokehflow.errors import LensError, MediaError, SizeError, UnknownNameError, UsageError
from bokehflow.optics import Lens, f_number_for_radius
from bokehflow.rendering import RenderConfig, functional, render
from bokehflow.rendering.config import QUALITIES, Quality
from bokehflow.srgb import linear_to_srgb
from tests.rendering.pictures import textured
from tests.tolerances import CLEAR_COLOUR, EIGHT_BIT_STEP, NO_JUMP, OUTLINE_SHARE, RENDER_FP32

LENS = Lens(50.0, 1.8, 1.5)
SIZES = [(97, 161), (161, 97), (1, 1), (1, 40), (33, 1)]


def sloped_depth(height: int, width: int) -> torch.Tensor:
    return torch.linspace(1.0, 6.0, width).expand(1, 1, height, width).contiguous()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_size_and_channel_count(size: tuple[int, int], channels: int) -> None:
    image = textured(*size).repeat(1, 2, 1, 1)[:, :channels]
    rendered = render(image, sloped_depth(*size), LENS)
    assert rendered.shape == image.shape
    assert bool(((rendered >= 0) & (rendered <= 1)).all())


def test_all_in_focus_gives_the_picture_back() -> None:
    image = textured(40, 61)
    depth = torch.full((1, 1, 40, 61), LENS.focus_m)
    assert float((render(image, depth, LENS) - image).abs().max()) < EIGHT_BIT_STEP / 100


def test_infinity_is_far() -> None:
    image = textured(40, 61)
    sky = torch.full((1, 1, 40, 61), math.inf)
    far = torch.full((1, 1, 40, 61), 1e9)
    torch.testing.assert_close(render(image, sky, LENS), render(image, far, LENS))


def test_opaque_alpha_changes_nothing_and_clear_colour_does_not_bleed() -> None:
    image, depth = textured(40, 61), sloped_depth(40, 61)
    opaque = render(torch.cat([image, torch.ones(1, 1, 40, 61)], 1), depth, LENS)
    torch.testing.assert_close(opaque[:, :3], render(image, depth, LENS), atol=RENDER_FP32, rtol=0)
    assert float(opaque[:, 3].min()) > 1.0 - 1e-4

    painted = image.clone()
    alpha = (torch.arange(61) < 30).float().expand(1, 1, 40, 61)
    painted[..., 30:] = torch.tensor([1.0, 0.0, 1.0]).reshape(1, 3, 1, 1)
    first = render(torch.cat([image * alpha, alpha], 1), depth, LENS)
    second = render(torch.cat([painted, alpha], 1), depth, LENS)
    shown = first[:, 3:] > 0.05
    torch.testing.assert_close(first[:, 3], second[:, 3])
    difference = (first[:, :3] - second[:, :3]).abs() * shown
    assert float(difference.max()) < CLEAR_COLOUR


@pytest.mark.parametrize("alpha", [1.0, 1 / 255, 5e-5, 1e-6, 0.0])
def test_in_focus_colours_of_any_alpha_are_kept(alpha: float) -> None:
    image = torch.cat([textured(40, 61), torch.full((1, 1, 40, 61), alpha)], 1)
    image[:, 3, 10:30, 20:40] = 0.0
    depth = torch.full((1, 1, 40, 61), LENS.focus_m)
    torch.testing.assert_close(render(image, depth, LENS), image, atol=RENDER_FP32, rtol=0)


def test_colour_that_cannot_be_seen_hides_no_lamp() -> None:
    lamp = torch.full((1, 3, 64, 96), 0.05)
    lamp[..., 30:33, 60:63] = 1.0
    alpha = torch.zeros(1, 1, 64, 96)
    alpha[..., 20:44, 50:80] = 1.0
    depth, config = torch.full((1, 1, 64, 96), 30.0), RenderConfig("best", highlight_recovery=4.0)
    black, white = (
        render(torch.cat([torch.where(alpha > 0, lamp, hidden), alpha], 1), depth, LENS, config)
        for hidden in (torch.zeros(()), torch.ones(()))
    )
    torch.testing.assert_close(black * alpha, white * alpha, atol=RENDER_FP32, rtol=0)


def test_grey_is_blurred_as_the_same_picture_in_colour() -> None:
    grey = textured(40, 61)[:, :1]
    depth = sloped_depth(40, 61)
    depth[..., 20:] += 8.0
    coloured = render(grey.expand(1, 3, 40, 61), depth, LENS)
    torch.testing.assert_close(render(grey, depth, LENS), coloured[:, :1], atol=0, rtol=0)
    opaque = torch.ones_like(grey)
    with_alpha = render(torch.cat([grey, opaque], 1), depth, LENS)
    torch.testing.assert_close(with_alpha[:, :1], coloured[:, :1], atol=RENDER_FP32, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_single(dtype: torch.dtype) -> None:
    """A radius beyond 256 px has a square that float16 does not hold."""
    image, wide = textured(8, 2600).to(dtype), Lens(85.0, 1.0, 1.1)
    depth = torch.full((1, 1, 8, 2600), math.inf)
    depth[..., :1300] = 1.1
    assert abs(wide.radius_px(math.inf, 2600)) > 256
    rendered = render(image, depth, wide, quality="mobile")
    assert rendered.dtype == dtype
    expected = render(image.float(), depth, wide, quality="mobile").to(dtype)
    torch.testing.assert_close(rendered, expected, atol=0, rtol=0)


def test_autocast_changes_nothing() -> None:
    image, depth = textured(24, 40), sloped_depth(24, 40).requires_grad_()
    expected = render(image, depth, LENS)
    (slope,) = torch.autograd.grad(expected.square().sum(), depth)
    with torch.autocast("cpu", torch.bfloat16):
        rendered = render(image, depth, LENS)
    torch.testing.assert_close(rendered, expected, atol=0, rtol=0)
    (found,) = torch.autograd.grad(rendered.square().sum(), depth)
    torch.testing.assert_close(found, slope, atol=0, rtol=0)


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("edge", [32, 33])
def test_the_outline_of_what_is_in_focus_is_where_it_is_on_any_grid(
    quality: Quality, edge: int
) -> None:
    """A pixel of the outline is shared by a black subject and a white, blurred background."""
    light = torch.ones(1, 3, 64, 64)
    light[..., :edge], light[..., edge - 1] = 0.0, 0.45
    depth = torch.full((1, 1, 64, 64), 1e4)
    depth[..., :edge] = 2.0
    image = linear_to_srgb(light)
    focused = Lens(85.0, f_number_for_radius(16.0, 85.0, 2.0, 64), 2.0)
    for focus_m in (2.0, 2.005):
        lens = dataclasses.replace(focused, focus_m=focus_m)
        found = render(image, depth, lens, quality=quality)[0, 0, 30, edge - 1]
        assert abs(float(found - image[0, 0, 30, edge - 1])) < OUTLINE_SHARE


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan])
def test_depth_that_is_no_distance_is_refused(bad: float) -> None:
    depth = sloped_depth(9, 11)
    depth[0, 0, 4, 5] = bad
    with pytest.raises(MediaError, match="1 of 99 depth values"):
        render(textured(9, 11), depth, LENS)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -0.1, 255.0])
def test_values_that_are_not_srgb_are_refused(bad: float) -> None:
    image = textured(9, 11)
    image[0, 0, 0, 0] = bad
    with pytest.raises(MediaError, match="none of them NaN"):
        render(image, sloped_depth(9, 11), LENS)


@pytest.mark.parametrize("without", ["image", "depth"])
@pytest.mark.parametrize("kind", ["meta", "sparse"])
def test_tensors_without_values_are_refused(without: str, kind: str) -> None:
    given = {"image": textured(9, 11), "depth": sloped_depth(9, 11)}
    whole = given[without]
    given[without] = whole.to("meta") if kind == "meta" else whole.to_sparse()
    with pytest.raises(MediaError, match="a dense tensor with values"):
        render(given["image"], given["depth"], LENS)


def test_levels_of_8_bits_are_refused() -> None:
    image = torch.zeros(1, 3, 9, 11, dtype=torch.uint8)
    with pytest.raises(MediaError, match="divide 8-bit values by 255"):
        render(image, sloped_depth(9, 11), LENS)


def test_depth_of_another_precision_renders_the_same() -> None:
    image, depth = textured(9, 11), sloped_depth(9, 11)
    torch.testing.assert_close(render(image, depth.double(), LENS), render(image, depth, LENS))


@pytest.mark.parametrize("shape", [(1, 5, 9, 11), (3, 9, 11), (1, 3, 0, 11)], ids=str)
def test_images_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(SizeError, match="1 to 4 channels"):
        render(torch.rand(shape), sloped_depth(9, 11), LENS)


def test_depth_of_another_size_is_refused() -> None:
    with pytest.raises(SizeError, match="resize"):
        render(textured(9, 11), sloped_depth(9, 12), LENS)


def test_a_blur_beyond_the_limit_names_the_limit_and_the_lens() -> None:
    depth = torch.full((1, 1, 20, 480), 0.06)
    with pytest.raises(LensError, match=r"f_number=1\.4.*at most 75\.0 px"):
        render(textured(20, 480), depth, Lens(85.0, 1.4, 2.0))
    with pytest.raises(LensError, match=r"at most 2\.0 px, the config's max_radius_px"):
        render(textured(20, 480), depth + 1.0, LENS, RenderConfig(max_radius_px=2.0))


def test_a_blur_just_beyond_the_limit_is_told_to_as_many_digits_as_it_takes() -> None:
    sky = torch.full((1, 1, 2, 100), math.inf)
    lens = Lens(50.0, f_number_for_radius(75.001, 50.0, 1.5, 100), 1.5)
    with pytest.raises(LensError, match=r"radius of 75\.001 px .*at most 75\.000 px"):
        render(textured(2, 100), sky, lens)


@pytest.mark.parametrize("width", range(100, 200, 7))
def test_a_lens_made_for_the_limit_is_taken(width: int) -> None:
    sky = torch.full((1, 1, 2, width), math.inf)
    lens = Lens(50.0, f_number_for_radius(75.0, 50.0, 1.5, width), 1.5)
    assert render(textured(2, width), sky, lens, quality="mobile").shape == (1, 3, 2, width)
    limit = abs(LENS.radius_px(math.inf, width))
    config = RenderConfig("mobile", max_radius_px=limit)
    assert render(textured(2, width), sky, LENS, config).shape == (1, 3, 2, width)


def test_gradients_reach_image_and_depth() -> None:
    image, depth = textured(20, 30).requires_grad_(), sloped_depth(20, 30).requires_grad_()
    rendered = render(image, depth, LENS, RenderConfig("mobile"))
    for gradient in torch.autograd.grad(rendered.sum(), (image, depth)):
        assert bool(torch.isfinite(gradient).all())
        assert float(gradient.abs().max()) > 0.0


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"quality": "bets"}, UnknownNameError),
        ({"blades": 2}, UsageError),
        ({"blade_rotation_deg": math.nan}, UsageError),
        ({"blade_rotation_deg": 10**400}, UsageError),
        ({"highlight_recovery": -1.0}, UsageError),
        ({"max_radius_px": 0.0}, UsageError),
        ({"max_radius_px": 10**400}, UsageError),
    ],
    ids=lambda value: str(value)[:24] if isinstance(value, dict) else value.__name__,
)
def test_settings_check_themselves(settings: dict[str, float], error: type[Exception]) -> None:
    with pytest.raises(error):
        RenderConfig(**settings)  # type: ignore[arg-type]


def test_numbers_of_other_kinds_are_plain_from_then_on() -> None:
    given = RenderConfig("mobile", np.int64(6), np.float32(5.0), Fraction(1, 2), Fraction(41, 2))  # type: ignore[arg-type]
    assert given == RenderConfig("mobile", 6, 5.0, 0.5, 20.5)
    json.dumps(dataclasses.asdict(given))
    assert render(textured(9, 11), sloped_depth(9, 11), LENS, given).shape == (1, 3, 9, 11)


@pytest.mark.parametrize("dtype", [torch.uint16, torch.float8_e4m3fn, torch.int64], ids=str)
def test_depth_of_any_real_type_is_taken(dtype: torch.dtype) -> None:
    depth = torch.full((1, 1, 9, 11), 3.0)
    found = render(textured(9, 11), depth.to(dtype), LENS)
    assert torch.equal(found, render(textured(9, 11), depth, LENS))
    with pytest.raises(MediaError, match="real numbers"):
        render(textured(9, 11), depth.to(torch.complex64), LENS)


@pytest.mark.parametrize("quality", ["", 0, False], ids=repr)
def test_what_is_no_quality_is_refused(quality: object) -> None:
    with pytest.raises(UsageError, match="quality"):
        render(textured(9, 11), sloped_depth(9, 11), LENS, quality=quality)  # type: ignore[arg-type]


def test_a_config_of_another_type_is_refused() -> None:
    with pytest.raises(UsageError, match="RenderConfig"):
        render(textured(9, 11), sloped_depth(9, 11), LENS, {})  # type: ignore[arg-type]


def test_config_and_quality_together_are_refused() -> None:
    with pytest.raises(UsageError, match="one of the two"):
        render(textured(9, 11), sloped_depth(9, 11), LENS, RenderConfig(), quality="best")


def test_what_was_rendered_before_changes_nothing() -> None:
    image, depth = textured(40, 61), sloped_depth(40, 61)
    lens = Lens(50.0, 1.4, 1.7)
    with torch.inference_mode():
        render(image.bfloat16(), depth.bfloat16(), lens)
        first = render(image, depth, lens)
    asked = image.clone().requires_grad_()
    again = render(asked, depth, lens)
    again.sum().backward()  # type: ignore[no-untyped-call]
    assert asked.grad is not None
    functional._lens_blur.cache_clear()
    assert torch.equal(first, render(image, depth, lens))
    assert torch.equal(first, again.detach())


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("target", [8.0, 11.0, 16.0, 30.0, 32.0])
def test_nothing_jumps_where_a_moving_focus_needs_a_larger_bank(
    quality: Quality, target: float
) -> None:
    height, width = 45, 90
    image, depth_m = textured(height, width), sloped_depth(height, width)
    wide = Lens(50.0, 1.8, 2.0)
    reach = float(wide.signed_radius_px(1.0 / depth_m, width).abs().max())
    before, after = (
        render(
            image,
            depth_m,
            Lens(50.0, 1.8 * reach / (target * (1.0 + change)), 2.0),
            RenderConfig(quality, max_radius_px=100.0),
        )
        for change in (-1e-5, 1e-5)
    )
    assert float((before - after).abs().max()) < NO_JUMP


def test_a_larger_bank_pads_no_more() -> None:
    """What is filled in behind a disc in front of a wall hangs on the padding of a frame like this,
    which layers of coarser levels need more of."""
    height, width, target = 101, 151, 30.0
    disc = torch.full((1, 1, height, width), 6.0)
    disc[..., 30:91, 60:121] = 1.4
    far_px = -float(Lens(50.0, 1.0, 1.5).signed_radius_px(torch.tensor(1.0 / 6.0), width))
    before, after = (
        render(
            textured(height, width),
            disc,
            Lens(50.0, far_px / (target * (1.0 + change)), 1.5),
            quality="mobile",
        )
        for change in (-1e-5, 1e-5)
    )
    assert float((before - after).abs().max()) < NO_JUMP
