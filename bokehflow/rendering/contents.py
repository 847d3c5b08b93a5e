"""What lies in each layer of a bank, on the grid of the pyramid level that asks for it.

Contents are pooled before neighbours are subtracted: one pooling serves a layer, what hides it and
where it is visible.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from bokehflow.rendering.bank import BankLayer
from bokehflow.rendering.bins import SoftBins


class Contents:
    """Contents [B, C+1, H, W] of the layers of one picture; the size is that of a level's cells."""

    def __init__(self, bins: SoftBins, bank: Sequence[BankLayer]) -> None:
        self._count = len(bank)
        self._levels: dict[tuple[int, int], Tensor] = {}
        for index in range(self._count):
            content = bins.from_layer(index)
            self._levels[index, 1] = F.avg_pool2d(content, 2)
            # A layer is read with the two in front of it; what nobody reads is let go here.
            if any(layer.level == 0 for layer in bank[max(index - 2, 0) : index + 1]):
                self._levels[index, 0] = content

    def own(self, index: int, level: int) -> Tensor:
        """What lies in a layer: light times share, and the share as coverage."""
        from_here = self._from_layer(index, level)
        nearest = index + 1 == self._count
        return from_here if nearest else from_here - self._from_layer(index + 1, level)

    def can_be_hidden(self, index: int) -> bool:
        """Whether there is a layer that can hide this one: nothing hides the nearest two."""
        return index + 2 < self._count

    def visible(self, index: int, level: int) -> Tensor:
        """How much of the layer's depth, or of what is behind it, is seen; [B, 1, H, W], 0..1.

        Not for the nearest layer.
        """
        return 1.0 - self._from_layer(index + 1, level)[:, -1:]

    def hidden(self, index: int, level: int) -> Tensor:
        """How much of a layer that can be hidden nearer things hide; [B, 1, H, W], 0..1.

        Counted one layer later than it seems: a pixel shared with the next layer is not hidden,
        or silhouettes would grow.
        """
        return self._from_layer(index + 2, level)[:, -1:]

    def _from_layer(self, index: int, level: int) -> Tensor:
        if (index, level) not in self._levels:
            finer = self._levels[index, 1]
            self._levels[index, level] = F.avg_pool2d(finer, 2 ** (level - 1))
        return self._levels[index, level]
