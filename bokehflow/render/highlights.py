"""Giving clipped highlights back some of the light that the sensor cut off."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLIPPED_FROM, CLIPPED_AT = 0.8, 0.98
"""Linear light of the brightest channel between which a pixel counts as more and more clipped."""
LAMP_PX = 9
"""Clipped areas that hold a square of this size are sky or paper, not lamps: they stay."""

BLURRED_FROM_PX, BLURRED_AT_PX = 2.0, 6.0
"""Blur radius between which recovery sets in: in focus a lamp is clipped again anyway."""


class HighlightRecovery(nn.Module):
    """Scale small clipped spots up by 1 + gain before the blur. Gain 0 changes nothing."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = gain

    def forward(self, light: Tensor, radius_px: Tensor) -> Tensor:
        """Light [B, C, H, W], linear, with its lamps above 1 again; radius_px [B, 1, H, W]."""
        if self.gain == 0.0:
            return light
        peak = light.amax(1, keepdim=True)
        clipped = ((peak - CLIPPED_FROM) / (CLIPPED_AT - CLIPPED_FROM)).clamp(0.0, 1.0)
        lamp = clipped - _opening(clipped, LAMP_PX)
        blurred = (radius_px.abs() - BLURRED_FROM_PX) / (BLURRED_AT_PX - BLURRED_FROM_PX)
        return light * (1.0 + self.gain * lamp * blurred.clamp(0.0, 1.0))


def _opening(x: Tensor, size: int) -> Tensor:
    """Morphological opening: what of x survives under a size x size square."""
    half = size // 2
    eroded = -F.max_pool2d(-x, size, stride=1, padding=half)
    return torch.minimum(x, F.max_pool2d(eroded, size, stride=1, padding=half))
