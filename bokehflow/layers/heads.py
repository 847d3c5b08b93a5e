"""What leaves the network: coarse inverse depth, dense maps at network size, the residual.

Source: founding document, section 4.2 (lightweight DPT head, bokeh head, three-convolution
residual refinement).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bokehflow.layers.clamped import clamped_in_value
from bokehflow.specs import DEPTH_MAX_M, DEPTH_MIN_M

REFINEMENT_CHANNELS = 24


def to_inverse_depth(logits: Tensor, learns: bool = False) -> Tensor:
    """softplus, bounded to the reported range of depth. Any shape; result in 1/m.

    learns: gradients pass the bounds, with which nothing would come back from beyond them.
    softplus keeps the absolute error of half precision small where depth is far. It lies above its
    argument, so bounding that too changes nothing, and keeps accelerators inside the range in
    which they compute it rightly.
    """
    nearest, farthest = 1.0 / DEPTH_MIN_M, 1.0 / DEPTH_MAX_M
    if learns:
        inside = clamped_in_value(logits, maximum=nearest)
        return clamped_in_value(F.softplus(inside), farthest, nearest)
    return torch.clamp(F.softplus(torch.clamp(logits, max=nearest)), farthest, nearest)


class CoarseDepthHead(nn.Module):
    """Inverse depth at token scale, by one 1x1 convolution on the depth tokens."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.read = nn.Linear(channels, 1)

    def forward(self, tokens: Tensor, height: int, width: int) -> Tensor:
        """tokens: [B, T, C] in raster order. Returns 1/m, [B, 1, height, width]."""
        logits = self.read(self.norm(tokens))
        return to_inverse_depth(logits.reshape(tokens.shape[0], 1, height, width), self.training)


class DenseHead(nn.Module):
    """Tokens of several depths, summed and brought up four times to a dense map."""

    def __init__(self, channels: int, width: int, levels: int, out_channels: int) -> None:
        super().__init__()
        half, full = width // 2, max(8, width // 6)
        self.project = nn.ModuleList(nn.Linear(channels, width) for _ in range(levels))
        self.mix = nn.Conv2d(width, width, 3, padding=1)
        self.to_half = nn.Conv2d(width, 4 * half, 1)
        self.skip = nn.Conv2d(channels // 2, half, 1)
        self.mix_half = nn.Conv2d(half, half, 3, padding=1)
        self.to_full = nn.Conv2d(half, 4 * full, 1)
        self.out = nn.Conv2d(full, out_channels, 3, padding=1)

    def forward(self, levels: Sequence[Tensor], half_size: Tensor) -> Tensor:
        """levels: token maps [B, T, C]; half_size: the stem's map [B, C/2, H/2, W/2].

        Returns [B, out_channels, H, W].
        """
        grid = self.at_tokens(levels, half_size.shape[2] // 2, half_size.shape[3] // 2)
        grid = F.gelu(self.mix(F.gelu(grid)))
        grid = F.pixel_shuffle(self.to_half(grid), 2) + self.skip(half_size)
        return self.to_full_size(F.gelu(self.mix_half(F.gelu(grid))))

    def to_full_size(self, grid: Tensor) -> Tensor:
        """[B, head channels / 2, H/2, W/2] to [B, out_channels, H, W]."""
        dense: Tensor = self.out(F.gelu(F.pixel_shuffle(self.to_full(grid), 2)))
        return dense

    def at_tokens(self, levels: Sequence[Tensor], height: int, width: int) -> Tensor:
        """All levels together, [B, head channels, height, width]."""
        summed = self.project[0](levels[0])
        for project, tokens in zip(list(self.project)[1:], levels[1:], strict=True):
            summed = summed + project(tokens)
        grid: Tensor = summed.transpose(1, 2).reshape(len(summed), -1, height, width)
        return grid


class ResidualRefinement(nn.Module):
    """Three convolutions that mend what the renderer cannot know."""

    def __init__(self) -> None:
        super().__init__()
        width = REFINEMENT_CHANNELS
        self.first = nn.Conv2d(10, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.third = nn.Conv2d(width, 3, 3, padding=1, bias=False)

    def forward(self, rendered: Tensor, frame: Tensor, hint: Tensor, radius_px: Tensor) -> Tensor:
        """rendered, frame, hint: [B, 3, H, W]; radius_px: [B, 1, H, W]. Returns [B, 3, H, W]."""
        return self.mend(torch.cat([rendered, frame, hint, radius_px], dim=1))

    def mend(self, seen: Tensor) -> Tensor:
        """seen: [B, 10, H, W], all that `forward` is given. Returns [B, 3, H, W]."""
        residual: Tensor = self.third(F.gelu(self.second(F.gelu(self.first(seen)))))
        return residual
