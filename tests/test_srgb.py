"""The sRGB curve against its definition."""

import torch

from bokehflow.srgb import linear_to_srgb, srgb_to_linear
from tests.tolerances import FP32_EQUAL


def test_known_values() -> None:
    srgb = torch.tensor([0.0, 0.04045, 0.5, 1.0])
    light = torch.tensor([0.0, 0.0031308, 0.2140411, 1.0])
    torch.testing.assert_close(srgb_to_linear(srgb), light, atol=FP32_EQUAL, rtol=0)
    torch.testing.assert_close(linear_to_srgb(light), srgb, atol=FP32_EQUAL, rtol=0)


def test_there_and_back_over_all_levels() -> None:
    levels = torch.arange(256) / 255
    torch.testing.assert_close(
        linear_to_srgb(srgb_to_linear(levels)), levels, atol=FP32_EQUAL, rtol=0
    )


def test_light_above_one_clips_and_black_has_a_finite_slope() -> None:
    light = torch.tensor([0.0, 3.0], requires_grad=True)
    picture = linear_to_srgb(light)
    assert abs(float(picture[1].detach()) - 1.0) < FP32_EQUAL
    (slope,) = torch.autograd.grad(picture.sum(), light)
    assert torch.isfinite(slope).all()
