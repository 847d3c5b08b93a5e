"""From the network's small depth map to the frame's size, with edges that stay edges."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from bokehflow.errors import SizeError

WINDOW_PX = 7
STEEPNESS = 3.0
"""How much an edge is steepened: a hard decision would turn rounding errors into wrong pixels."""
SMALLEST = 1e-4
"""Least divisor, in 1/m: a normal number in half precision too."""


class EdgeAwareUpsample(nn.Module):
    """Inverse depth of a small map at the size of the frame, sharpened where objects end."""

    def __init__(self, network_size: tuple[int, int], frame_size: tuple[int, int]) -> None:
        super().__init__()
        if min(*network_size, *frame_size) < 1:
            raise SizeError(f"sizes {network_size} and {frame_size}", "at least 1x1 px")
        self.network_size, self.frame_size = network_size, frame_size

    def forward(self, inverse_depth: Tensor, image: Tensor) -> Tensor:
        """Inverse depth [B, 1, H, W] in 1/m of the frame.

        inverse_depth: [B, 1, h, w], 1/m. image: [B, 3, H, W], sRGB 0..1.
        """
        del image
        if self.network_size != self.frame_size:
            inverse_depth = F.interpolate(
                inverse_depth, size=self.frame_size, mode="bilinear", align_corners=False
            )
        half = WINDOW_PX // 2
        high = F.max_pool2d(inverse_depth, WINDOW_PX, stride=1, padding=half)
        low = -F.max_pool2d(-inverse_depth, WINDOW_PX, stride=1, padding=half)
        place = (inverse_depth - low) / (high - low).clamp(min=SMALLEST)
        place = ((place - 0.5) * STEEPNESS + 0.5).clamp(0.0, 1.0)
        return low + (high - low) * place
