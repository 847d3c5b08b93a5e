"""What lies in each layer of a bank, on the grid of the pyramid level that asks for it.

A layer's coverage tells, added up from the nearest on, what hides it and where it is visible.
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
        self._bins, self._count = bins, len(bank)
        self._own: dict[tuple[int, int], Tensor] = {}
        self._covered: dict[tuple[int, int], Tensor] = {}
        for index, layer in enumerate(bank):
            content = bins.own(index)
            self._own[index, 1] = F.avg_pool2d(content, 2)
            if layer.level == 0:
                self._own[index, 0] = content

    def own(self, index: int, level: int) -> Tensor:
        """What lies in a layer: light times share, and the share as coverage.

        level: the layer's own or a coarser one, here and below.
        """
        if (index, level) not in self._own:
            self._own[index, level] = _pooled(self._own[index, 1], level)
        return self._own[index, level]

    def can_be_hidden(self, index: int) -> bool:
        """Whether there is a layer that can hide this one: nothing hides the nearest two."""
        return index + 2 < self._count

    def visible(self, index: int, level: int) -> Tensor:
        """How much of the layer's depth, or of what is behind it, is seen; [B, 1, H, W], 0..1.

        Not for the nearest layer.
        """
        return 1.0 - self._covered_from(index + 1, level)

    def hidden(self, index: int, level: int) -> Tensor:
        """How much of a layer that can be hidden nearer things hide; [B, 1, H, W], 0..1.

        Counted one layer later than it seems: a pixel shared with the next layer is not hidden,
        or silhouettes would grow.
        """
        return self._covered_from(index + 2, level)

    def _covered_from(self, index: int, level: int) -> Tensor:
        """The coverage of layer `index` and all nearer ones."""
        if level == 0:
            return self._bins.coverage_from(index)
        if (index, level) not in self._covered:
            self._covered[index, level] = self._summed(index, level)
        return self._covered[index, level]

    def _summed(self, index: int, level: int) -> Tensor:
        if level > 1:
            return _pooled(self._covered_from(index, 1), level)
        coverage = self._own[index, 1][:, -1:]
        nearest = index + 1 == self._count
        return coverage if nearest else coverage + self._covered_from(index + 1, 1)


def _pooled(half_size: Tensor, level: int) -> Tensor:
    return F.avg_pool2d(half_size, 2 ** (level - 1))
