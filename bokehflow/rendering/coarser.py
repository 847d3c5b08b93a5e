"""From one grid to the next coarser one, so that light stays where it is.

Means of whole cells would move a lamp to the middle of its cell, and its disk with it, by a cell at
a time. Here each cell of the coarser grid takes a little of its neighbours' too: what enlarging to
twice the sides does the other way round, so the two together keep the centre of anything. Every
cell gives away all that it has, those at the border too.

A picture's first halving is of means all the same (`contents`), and may be half a pixel off.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PROFILE = (0.125, 0.375, 0.375, 0.125)
"""How much of the cells around it a coarser one takes, along an axis."""
PROFILE_VARIANCE = sum(share * (i - 1.5) ** 2 for i, share in enumerate(PROFILE))
"""In squares of the finer grid's cells."""


class Coarser(nn.Module):
    """Maps of some numbers of channels on a grid with cells twice as wide."""

    def __init__(self, channels: Iterable[int]) -> None:
        super().__init__()
        profile = torch.tensor(PROFILE)
        kernel = (profile[:, None] * profile)[None, None]
        for count in set(channels):
            self.register_buffer(_name(count), kernel.repeat(count, 1, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, h/2, w/2] of [B, C, h, w]; h and w even."""
        kernel = self.get_buffer(_name(x.shape[1]))
        # A cell beyond the border would hold what the last one does: that is given back.
        padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
        return F.conv2d(padded, kernel, stride=2, groups=kernel.shape[0])


def _name(channels: int) -> str:
    return f"kernel_{channels}"
