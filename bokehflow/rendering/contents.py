"""What lies in each layer of a bank, on the grid of the pyramid level that asks for it.

A layer's coverage tells, added up from the nearest on, what hides it and where it is visible. On a
coarse grid the shares of a cell are means of its pixels' shares, surface by surface, and its
light is these times the mean colour of the surface. Where depth jumps within a cell of 2x2 px its
surfaces have a colour each, and elsewhere all of it is blurred alike: all that is lost is where in
its cell something lies, so that the disk of a lamp of one pixel is up to half a pixel off, to and
fro as the lamp moves. To coarser grids than that what a layer shows is brought so that it stays
where it is (`Coarser`); what hides it, and what is behind, is smooth enough for means.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.rendering.bins import SoftBins, dyed
from bokehflow.rendering.coarser import Coarser
from bokehflow.rendering.division import LEAST_DIVISOR
from bokehflow.rendering.fill import Seen
from bokehflow.rendering.windows import channel_sum

TELLING = 1 / 8
"""How much a cell counts for the next layer behind it, as a place where that is not; 1 is a cell in
which the layer is seen. A wall just behind a thing is not filled in behind the thing's edge, and
layers behind the wall, which are seen elsewhere alone, must not show there."""


class Contents:
    """Contents [B, C+1, h, w] of the layers of one picture; the size is that of a level's cells."""

    def __init__(self, bins: SoftBins, count: int, coarser: Coarser) -> None:
        """count: of the layers in the bank."""
        self._bins, self._count, self._coarser = bins, count, coarser
        half_size = [F.avg_pool2d(content, 2) for content in bins.contents]
        self._colours = [x / x[:, -1:].clamp(min=LEAST_DIVISOR) for x in half_size]
        """Of the surfaces, [B, C+1, h, w] at half size; the coverage of what there is, 1."""
        self._own: dict[tuple[int, int], Tensor] = {}
        self._surfaces: dict[tuple[int, int], Tensor] = {}
        self._hiding: dict[int, Tensor] = {}

    def own(self, index: int, level: int) -> Tensor:
        """What lies in a layer: light times share, and the share as coverage; where it lies."""
        if level == 0:
            return self._bins.own(index)
        if (index, level) not in self._own:
            self._own[index, level] = (
                self._own_at_half_size(index)
                if level == 1
                else self._coarser(self.own(index, level - 1))
            )
        return self._own[index, level]

    def hidden(self, index: int, level: int) -> Tensor:
        """How much of a layer that can be hidden nearer things hide; [B, 1, h, w], 0..1.

        Counted one layer later than it seems: a pixel shared with the next layer is not hidden,
        or silhouettes would grow.
        """
        if level == 0:
            return self._bins.coverage_from(index + 2)
        return channel_sum(self._surfaces_from(index + 2, level))

    def seen(self, layers: Sequence[int], level: int) -> Seen:
        """What lies in layers that can be hidden, and how much cells tell of them: all where they
        or what is behind them is visible, `TELLING` of that for every layer that hides them.

        level: above 0. The layers of a frame follow each other in axis 0.
        """
        own = torch.stack([_means(self.own(index, 1), level) for index in layers], 1)
        hiding = torch.stack([self._hiding_from(index + 1, level) for index in layers], 1)
        return Seen(own.flatten(0, 1), (1.0 - hiding).flatten(0, 1))

    def _hiding_from(self, index: int, level: int) -> Tensor:
        """How much of a cell tells nothing of what is behind layer `index`; [B, 1, h, w], 0..1."""
        if level > 1:
            return _means(self._hiding_from(index, 1), level)
        if index not in self._hiding:
            hiding = (1.0 - TELLING) * channel_sum(self._surfaces_from(index, 1))
            if index + 1 < self._count:
                hiding = hiding + TELLING * self._hiding_from(index + 1, 1)
            self._hiding[index] = hiding
        return self._hiding[index]

    def _surfaces_from(self, index: int, level: int) -> Tensor:
        """The coverage of layer `index` and all nearer ones, surface by surface, [B, S, h, w]."""
        if (index, level) not in self._surfaces:
            self._surfaces[index, level] = (
                F.avg_pool2d(self._bins.surfaces_from(index), 2)
                if level == 1
                else _means(self._surfaces_from(index, 1), level)
            )
        return self._surfaces[index, level]

    def _own_at_half_size(self, index: int) -> Tensor:
        shares = self._surfaces_from(index, 1)
        if index + 1 < self._count:
            shares = shares - self._surfaces_from(index + 1, 1)
        return dyed(shares, self._colours)


def _means(half_size: Tensor, level: int) -> Tensor:
    """Means of whole cells: enough for what is smooth, or is looked at for its coverage."""
    return F.avg_pool2d(half_size, 2 ** (level - 1)) if level > 1 else half_size
