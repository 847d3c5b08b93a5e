"""What a picture must be before it is rendered: the checks that a graph cannot make."""

from __future__ import annotations

import torch
from torch import Tensor

from bokehflow.errors import MediaError, SizeError
from bokehflow.specs import is_whole

OVERSHOOT = 0.5 / 255.0
"""How far resampling may leave 0..1: half a level of 8 bits."""


def require_sides(height: float, width: float) -> None:
    """Raise SizeError unless both are whole numbers of pixels, 1 at least."""
    for side in (height, width):
        if not is_whole(side) or side < 1:
            raise SizeError(f"a frame of {height}x{width}", "whole pixels, at least 1x1")


def require_srgb(image: Tensor) -> None:
    """Raise MediaError unless a picture of at least one pixel holds floats in 0..1, none NaN."""
    if not image.is_floating_point():
        raise MediaError(
            f"an image of {image.dtype}", "floats, sRGB in 0..1", "divide 8-bit values by 255"
        )
    require_values(image, "an image")
    low, high = (float(bound) for bound in in_single(image.detach()).aminmax())
    if not (low >= -OVERSHOOT and high <= 1.0 + OVERSHOOT):
        raise MediaError(
            f"image values from {low:g} to {high:g}",
            "sRGB in 0..1, none of them NaN",
            "divide 8-bit values by 255 and clip what lies outside",
        )


def require_values(x: Tensor, name: str) -> None:
    """Raise MediaError for a tensor without values that can be looked at one by one."""
    if x.is_meta or x.layout != torch.strided:
        kind = "on the meta device" if x.is_meta else f"of the layout {x.layout}"
        raise MediaError(f"{name} {kind}", "a dense tensor with values")


def in_single(x: Tensor) -> Tensor:
    """A tensor that can be compared: what is less precise than float32 in that."""
    return x if x.dtype == torch.float64 else x.float()
