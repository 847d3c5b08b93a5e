"""The sRGB transfer curve, both ways, in dense ops that every exporter knows.

Source: IEC 61966-2-1. Light adds up in linear values only, so a blur must happen there.
"""

from __future__ import annotations

import torch
from torch import Tensor

SRGB_KNEE = 0.04045
LINEAR_KNEE = 0.0031308
SLOPE = 12.92
OFFSET = 0.055
GAMMA = 2.4


def srgb_to_linear(image: Tensor) -> Tensor:
    """Linear light, same shape, of sRGB values in 0..1."""
    # The clamp keeps the branch that is not taken away from the infinite slope at zero.
    curve = _power((image.clamp(min=SRGB_KNEE) + OFFSET) / (1.0 + OFFSET), GAMMA)
    return torch.where(image <= SRGB_KNEE, image / SLOPE, curve)


def linear_to_srgb(light: Tensor) -> Tensor:
    """sRGB values in 0..1, same shape, of linear light; above 1 it clips as a sensor does."""
    light = light.clamp(0.0, 1.0)
    curve = (1.0 + OFFSET) * _power(light.clamp(min=LINEAR_KNEE), 1.0 / GAMMA) - OFFSET
    # Up to the knee the curve stands still at the line's end, beyond it it runs below the line.
    return torch.minimum(light * SLOPE, curve)


def _power(x: Tensor, exponent: float) -> Tensor:
    """x ** exponent for x > 0. Engines compute exp and log in vectors, but powers one by one."""
    return (x.log() * exponent).exp()
