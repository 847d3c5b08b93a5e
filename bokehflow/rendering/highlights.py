"""Giving clipped highlights back some of the light that the sensor cut off."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bokehflow.rendering.cells import cropped, enlarged, padded_to_cells, repeated
from bokehflow.rendering.windows import ramp, window_max, window_mean, window_min

CLIPPED_FROM, CLIPPED_AT = 0.8, 0.98
"""Linear light of the brightest channel between which a pixel counts as more and more clipped."""
REFERENCE_SIDE_PX = 480
"""Longer side of the frame in which the sizes below are given: of larger ones they are the same
share, and looked at in cells of several pixels, so that the windows stay small; smaller ones are
looked at as parts of one."""
LAMP_RADIUS_PX = 4
"""Clipped areas that hold a square of twice this and a pixel are sky or paper, not lamps."""
CROWD_LAMPS = 15 / LAMP_RADIUS_PX
"""How far around a pixel a crowd is looked for, in such radii: as cells are whole, so both sizes
are off alike."""
CROWD_FROM, CROWD_AT = 0.05, 0.1
"""Share of clipped pixels around one from which it is print or tiles: lamps are few."""
BLURRED_FROM_PX, BLURRED_AT_PX = 2.0, 6.0
"""Blur radius between which recovery sets in: in focus a lamp is clipped again anyway."""


class HighlightRecovery(nn.Module):
    """Scale small, lonely clipped spots up by 1 + gain before the blur. Gain 0 changes nothing."""

    def __init__(self, gain: float, height: int, width: int) -> None:
        super().__init__()
        self.gain, self.height, self.width = gain, height, width
        times = max(1.0, max(height, width) / REFERENCE_SIDE_PX)
        self.cell_px = round(times)
        self.lamp_radius = round(LAMP_RADIUS_PX * times / self.cell_px)
        """In cells."""

    def forward(self, light: Tensor, radius_px: Tensor, alpha: Tensor | None = None) -> Tensor:
        """Light [B, C, H, W], linear, with its lamps above 1 again; radius_px [B, 1, H, W].

        alpha: how much of each pixel is there to be seen, [B, 1, H, W] in 0..1; None is all.
        """
        if self.gain == 0.0:
            return light
        clipped = ramp(light.amax(1, keepdim=True), CLIPPED_FROM, CLIPPED_AT)
        if alpha is not None:
            clipped = clipped * alpha
        cells = padded_to_cells(clipped, self.cell_px)
        lamp = clipped - torch.minimum(clipped, self._broad(cells))
        lonely = 1.0 - ramp(self._crowd(cells), CROWD_FROM, CROWD_AT)
        blurred = ramp(radius_px.abs(), BLURRED_FROM_PX, BLURRED_AT_PX)
        return light * (1.0 + self.gain * lamp * lonely * blurred)

    def _broad(self, clipped: Tensor) -> Tensor:
        """Areas that are clipped and too large for a lamp, [B, 1, H, W] of that in whole cells."""
        window = 2 * self.lamp_radius + 1
        whole = -F.max_pool2d(-clipped, self.cell_px, stride=self.cell_px)
        # Cells on an area's rim are not wholly clipped; they belong to it all the same.
        rim = 1 if self.cell_px > 1 else 0
        broad = window_max(window_min(whole, window), window + 2 * rim)
        return cropped(repeated(broad, self.cell_px), self.height, self.width)

    def _crowd(self, clipped: Tensor) -> Tensor:
        """Share of clipped pixels around each, [B, 1, H, W] of that in whole cells."""
        window = 2 * round(CROWD_LAMPS * self.lamp_radius) + 1
        share = window_mean(F.avg_pool2d(clipped, self.cell_px), window)
        return cropped(enlarged(share, self.cell_px), self.height, self.width)
