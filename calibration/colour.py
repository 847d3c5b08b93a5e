"""The sRGB transfer curve. Light adds in linear values; files and screens hold encoded ones.

Source: IEC 61966-2-1.
"""

from __future__ import annotations

import torch
from torch import Tensor


def srgb_to_linear(encoded: Tensor) -> Tensor:
    """Linear light of an sRGB-encoded tensor, both 0..1, any shape."""
    toe = encoded / 12.92
    curve = ((encoded.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4
    return torch.where(encoded <= 0.04045, toe, curve)


def linear_to_srgb(linear: Tensor) -> Tensor:
    """sRGB encoding of linear light, any shape. Light outside 0..1 is clipped, as a sensor does."""
    light = linear.clamp(0.0, 1.0)
    curve = 1.055 * light.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(light <= 0.0031308, light * 12.92, curve)


def quantise_8_bit(encoded: Tensor) -> Tensor:
    """The nearest multiples of 1/255: what an 8-bit file keeps of 0..1 values."""
    return torch.round(encoded * 255.0) / 255.0
