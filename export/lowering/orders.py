"""Tokens brought into the four scan orders and back by one gather, which copies whole rows on CPUs.

Accelerators have none, or leave their own memory for it: see `map_mixer.py`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bokehflow.kernels.walks import walking_order
from bokehflow.scan import DIRECTIONS

Reordering = Literal["gather", "none"]
"""`none` leaves raster order, for graphs without a scan."""
Directions = tuple[int, ...]
"""Indices into DIRECTIONS."""
EVERY_DIRECTION: Directions = tuple(range(len(DIRECTIONS)))
ROWS_AND_COLUMNS: tuple[Directions, ...] = ((0, 1), (2, 3))
ONE_BY_ONE: tuple[Directions, ...] = tuple((index,) for index in EVERY_DIRECTION)


def to_orders(
    x: Tensor, height: int, width: int, how: Reordering, directions: Directions = EVERY_DIRECTION
) -> Tensor:
    """[S, T, C] in raster order to [S, D, T, C], each direction in its own order."""
    streams, length, channels = x.shape
    if how == "none":
        return x[:, None].expand(streams, len(directions), length, channels)
    rows = walking_order(height, width)[list(directions)]
    ordered = _gathered(x, rows.reshape(-1).astype(np.int64))
    return ordered.reshape(streams, len(directions), length, channels)


def from_orders(
    o: Tensor, height: int, width: int, how: Reordering, directions: Directions = EVERY_DIRECTION
) -> list[Tensor]:
    """The way back: [S, D, T, C] to a [S, T, C] in raster order for each of the directions."""
    if how == "none":
        return list(o.unbind(1))
    flat = o.flatten(1, 2)
    return [_gathered(flat, own) for own in _places(height, width, directions)]


def heads_from_orders(
    o: Tensor, height: int, width: int, directions: Directions, size: int
) -> list[Tensor]:
    """As `from_orders`, of heads wider than is wanted: [S, D, T, H, V] to [S, T, H x size].

    V is a multiple of `size`. One gather leaves the rest of each head where it is.
    """
    streams, _, length, heads, wide = o.shape
    parts = o.reshape(streams, -1, size)
    tokens = _places(height, width, directions)
    rows = (tokens[..., None] * heads + np.arange(heads)) * (wide // size)
    gathered = [_gathered(parts, own.reshape(-1)) for own in rows]
    return [each.reshape(streams, length, heads * size) for each in gathered]


def _places(height: int, width: int, directions: Directions) -> NDArray[np.int64]:
    """Where the tokens in raster order lie among all those of the directions, [D, T]."""
    back = np.argsort(walking_order(height, width)[list(directions)], axis=1)
    return back + np.arange(len(directions))[:, None] * height * width


def _gathered(x: Tensor, rows: NDArray[np.int64]) -> Tensor:
    """x: [S, N, C]; rows: which of the N. Those that would be taken as they lie are not copied."""
    if np.array_equal(rows, np.arange(x.shape[1])):
        return x
    return x.index_select(1, torch.from_numpy(rows))
