"""Giving clipped highlights back some of the light that the sensor cut off."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bokehflow.rendering.windows import ramp, window_max, window_mean, window_min

CLIPPED_FROM, CLIPPED_AT = 0.8, 0.98
"""Linear light of the brightest channel between which a pixel counts as more and more clipped."""
REFERENCE_SIDE_PX = 480
"""Longer side of the frame in which the sizes below are given; smaller frames use them too."""
LAMP_RADIUS_PX = 4
"""Clipped areas that hold a square of twice this and a pixel are sky or paper, not lamps."""
CROWD_RADIUS_PX = 15
CROWD_FROM, CROWD_AT = 0.05, 0.1
"""Share of clipped pixels around one from which it is print or tiles: lamps are few."""
BLURRED_FROM_PX, BLURRED_AT_PX = 2.0, 6.0
"""Blur radius between which recovery sets in: in focus a lamp is clipped again anyway."""


class HighlightRecovery(nn.Module):
    """Scale small, lonely clipped spots up by 1 + gain before the blur. Gain 0 changes nothing."""

    def __init__(self, gain: float, height: int, width: int) -> None:
        super().__init__()
        self.gain = gain
        scale = max(1.0, max(height, width) / REFERENCE_SIDE_PX)
        self.lamp_px = 2 * round(LAMP_RADIUS_PX * scale) + 1
        self.crowd_px = 2 * round(CROWD_RADIUS_PX * scale) + 1

    def forward(self, light: Tensor, radius_px: Tensor) -> Tensor:
        """Light [B, C, H, W], linear, with its lamps above 1 again; radius_px [B, 1, H, W]."""
        if self.gain == 0.0:
            return light
        clipped = ramp(light.amax(1, keepdim=True), CLIPPED_FROM, CLIPPED_AT)
        broad = window_max(window_min(clipped, self.lamp_px), self.lamp_px)
        lamp = clipped - torch.minimum(clipped, broad)
        lonely = 1.0 - ramp(window_mean(clipped, self.crowd_px), CROWD_FROM, CROWD_AT)
        blurred = ramp(radius_px.abs(), BLURRED_FROM_PX, BLURRED_AT_PX)
        return light * (1.0 + self.gain * lamp * lonely * blurred)
