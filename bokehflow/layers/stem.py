"""ConvStem and patch embedding: the frame becomes tokens at a quarter of its size.

Source: founding document, sections 2 and 4.2.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class ConvStem(nn.Module):
    """A 7x7 convolution of stride 2, then a depthwise-separable one of stride 2."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.first = nn.Conv2d(3, half, 7, stride=2, padding=3)
        self.depthwise = nn.Conv2d(half, half, 3, stride=2, padding=1, groups=half)
        self.pointwise = nn.Conv2d(half, channels, 1)

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor]:
        """frame: [B, 3, H, W], sRGB 0..1, H and W multiples of 4.

        Returns feature maps [B, C, H/4, W/4] and, for the heads, [B, C/2, H/2, W/2].
        """
        half_size = F.gelu(self.first(frame * 2.0 - 1.0))
        return self.pointwise(self.depthwise(half_size)), half_size
