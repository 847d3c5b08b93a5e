"""From half size to coarser grids, so that light stays where it is.

Means of whole cells would move a lamp to the middle of its cell, and its disk with it, by a cell at
a time. A tent two cells wide shares it between the cells on both sides by how near they are: what
`cells.enlarged` does the other way round, so the two together keep the centre of anything.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Coarser(nn.Module):
    """Maps at half size on the grids of pyramid levels; every constant is a buffer."""

    def __init__(self, levels: Iterable[int], channels: Iterable[int]) -> None:
        """levels: that are asked for; 1 is half size itself. channels: of the maps to come."""
        super().__init__()
        counts = set(channels)
        for level in set(levels):
            if level > 1:
                tent = tent_profile(2 ** (level - 1))
                kernel = (tent[:, None] * tent).float()[None, None]
                for count in counts:
                    each = kernel.repeat(count, 1, 1, 1)
                    self.register_buffer(_name(level, count), each, persistent=False)

    def forward(self, half_size: Tensor, level: int) -> Tensor:
        """[B, C, h, w] of half size; sides are whole numbers of the level's cells."""
        if level == 1:
            return half_size
        kernel = self.get_buffer(_name(level, half_size.shape[1]))
        factor = kernel.shape[-1] // 2
        padded = F.pad(half_size, (factor // 2,) * 4, mode="replicate")
        return F.conv2d(padded, kernel, stride=factor, groups=kernel.shape[0])


def tent_profile(factor: int) -> Tensor:
    """How much of each pixel a cell of so many takes, [2 * factor], sum 1, float64."""
    place = torch.arange(2 * factor, dtype=torch.float64) + 0.5
    return (1.0 - (place / factor - 1.0).abs()) / factor


def _name(level: int, channels: int) -> str:
    return f"tent_{level}_{channels}"
