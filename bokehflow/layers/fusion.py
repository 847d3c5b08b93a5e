"""Cross-stream fusion: depth and bokeh tokens read each other.

Source: founding document, section 2 (every second block, both ways).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class CrossStreamFusion(nn.Module):
    """Each stream adds a linear reading of both."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(2 * channels)
        self.to_depth = nn.Linear(2 * channels, channels)
        self.to_bokeh = nn.Linear(2 * channels, channels)

    def forward(self, depth: Tensor, bokeh: Tensor) -> tuple[Tensor, Tensor]:
        """depth, bokeh: [B, T, C]. Same shapes back."""
        both = self.norm(torch.cat([depth, bokeh], dim=-1))
        return depth + self.to_depth(both), bokeh + self.to_bokeh(both)
