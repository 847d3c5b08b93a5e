"""Blurring a large picture tile by tile, in memory that grows with the reach of its blur alone.

What shows behind near things depends on the whole picture, but beyond the neighbourhood on its
coarsest grid alone: that is found first. Then every tile is blurred with as much around it as its
result depends on, so tiles join without a seam, and the picture is that of one piece.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from bokehflow.rendering.bank import COARSEST_CELL_PX
from bokehflow.rendering.blur import LensBlur
from bokehflow.rendering.cells import cropped, padded_to_cells
from bokehflow.rendering.contents import Contents
from bokehflow.rendering.fill import Seen, Top, push_pull, pushed

MOST_PX = 3_000_000
"""Of a picture that is blurred in one piece, and of a tile with what is around it; where a blur
reaches so far that this leaves no tile, tiles are as wide as the reach, with nine times their area
in all."""
COARSEST_LEVEL = COARSEST_CELL_PX.bit_length() - 1
OUTLINE_REACH_PX = COARSEST_CELL_PX
"""What a layer holds depends on no pixel farther away, in whole cells."""
GRID_REACH_PX = 6 * COARSEST_CELL_PX
"""What a blurred layer shows depends on no pixel farther away than its kernel reaches and this: the
ways to the coarsest grid and back are a few cells of it each."""


class Span(NamedTuple):
    """Rows or columns from `start` to before `end`; in px of a picture they are whole cells."""

    start: int
    end: int

    def wider(self, reach_px: int, size: int) -> Span:
        """With so much more on both sides, as far as the picture goes."""
        return Span(max(self.start - reach_px, 0), min(self.end + reach_px, size))

    def cells(self) -> Span:
        """The same, counted in the coarsest cells."""
        return Span(self.start // COARSEST_CELL_PX, self.end // COARSEST_CELL_PX)


class Region(NamedTuple):
    """A rectangle of a picture, or of its coarsest grid."""

    y: Span
    x: Span

    def cells(self) -> Region:
        """The same on the coarsest grid."""
        return Region(self.y.cells(), self.x.cells())

    def part(self, whole: Tensor) -> Tensor:
        """Its part of a map [..., H, W]."""
        return whole[..., slice(*self.y), slice(*self.x)]

    def within(self, outer: Region, part: Tensor) -> Tensor:
        """Its part of a map of a larger region."""
        y, x = ([end - large.start for end in own] for own, large in zip(self, outer, strict=True))
        return part[..., slice(*y), slice(*x)]


class TiledBlur(nn.Module):
    """`LensBlur` for pictures of any size; what has at most `most_px` is blurred in one piece."""

    def __init__(self, blur: LensBlur, most_px: int = MOST_PX) -> None:
        super().__init__()
        self.blur, self.most_px = blur, most_px

    def forward(self, light: Tensor, radius_px: Tensor) -> Tensor:
        """As `LensBlur`."""
        height, width = light.shape[2:]
        if height * width <= self.most_px:
            whole: Tensor = self.blur(light, radius_px)
            return whole
        light, radius_px = (padded_to_cells(x, COARSEST_CELL_PX) for x in (light, radius_px))
        reach = self.blur.reach_px(float(radius_px.detach().abs().max())) + GRID_REACH_PX
        reach = math.ceil(reach / COARSEST_CELL_PX) * COARSEST_CELL_PX
        tiles = _Tiles(light, radius_px, _side(self.most_px, reach))
        behind = self._behind(tiles)

        def picture(tile: Region) -> Tensor:
            around = tiles.around(tile, reach)
            top = None if behind is None else Top(COARSEST_LEVEL, around.cells().part(behind))
            return tile.within(around, self.blur.picture(tiles.contents(self.blur, around), top))

        return cropped(tiles.together(picture), height, width)

    def _behind(self, tiles: _Tiles) -> Tensor | None:
        """What is filled in everywhere on the coarsest grid; None where nothing can be hidden."""
        if not self.blur.hideable:
            return None

        def seen(tile: Region) -> Tensor:
            around = tiles.around(tile, OUTLINE_REACH_PX)
            found = self.blur.seen(tiles.contents(self.blur, around))
            both = torch.cat(pushed(found, COARSEST_LEVEL), 1)
            return tile.cells().within(around.cells(), both)

        both = tiles.together(seen)
        return push_pull(Seen(both[:, :-1], both[:, -1:]))


class _Tiles:
    """A picture's light and radii, of whole cells, and the tiles that it is cut into."""

    def __init__(self, light: Tensor, radius_px: Tensor, side_px: int) -> None:
        self.light, self.radius_px = light, radius_px
        self.down, self.across = (spans(size, side_px) for size in light.shape[2:])

    def around(self, tile: Region, reach_px: int) -> Region:
        """The tile with so much more on all sides, as far as the picture goes."""
        height, width = self.light.shape[2:]
        return Region(tile.y.wider(reach_px, height), tile.x.wider(reach_px, width))

    def contents(self, blur: LensBlur, region: Region) -> Contents:
        """What lies in the layers of a bank there."""
        return blur.contents(region.part(self.light), region.part(self.radius_px))

    def together(self, made: Callable[[Region], Tensor]) -> Tensor:
        """What is made of every tile, side by side."""
        rows = [torch.cat([made(Region(y, x)) for x in self.across], 3) for y in self.down]
        return torch.cat(rows, 2)


def spans(size: int, side_px: int) -> list[Span]:
    """A length of whole cells in so few spans of about the same size that none is longer than a
    side, or than a cell."""
    cells = size // COARSEST_CELL_PX
    count = math.ceil(cells / max(side_px // COARSEST_CELL_PX, 1))
    ends = [cells * number // count * COARSEST_CELL_PX for number in range(count + 1)]
    return [Span(start, end) for start, end in pairwise(ends)]


def _side(most_px: int, reach_px: int) -> int:
    """The side of square tiles, in px: with their surroundings they have `most_px`, or the side is
    the reach where that is more."""
    side: int = max(math.isqrt(most_px) - 2 * reach_px, reach_px, COARSEST_CELL_PX)
    return side
