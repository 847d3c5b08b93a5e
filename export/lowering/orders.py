"""Tokens brought into the four scan orders and back: by one gather, or by transposing and flipping.

Engines on a CPU copy whole rows in a gather. Accelerators have none, or leave their own memory for
it, but they transpose and slice.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from bokehflow.scan import DIRECTIONS

Reordering = Literal["gather", "transpose", "none"]
"""`none` leaves raster order, for graphs without a scan."""
Directions = tuple[int, ...]
"""Indices into DIRECTIONS. Only `gather` takes fewer than all of them."""
EVERY_DIRECTION: Directions = tuple(range(len(DIRECTIONS)))
ROWS_AND_COLUMNS: tuple[Directions, ...] = ((0, 1), (2, 3))


def to_orders(
    x: Tensor, height: int, width: int, how: Reordering, directions: Directions = EVERY_DIRECTION
) -> Tensor:
    """[S, T, C] in raster order to [S, D, T, C], each direction in its own order."""
    streams, length, channels = x.shape
    if how == "none":
        return x[:, None].expand(streams, len(directions), length, channels)
    if how == "gather":
        rows = _orders(height, width)[list(directions)]
        ordered = x.index_select(1, torch.from_numpy(rows.reshape(-1)))
        return ordered.reshape(streams, len(directions), length, channels)
    columns = x.reshape(streams, height, width, channels).transpose(1, 2)
    forward = torch.cat([x[:, None], columns.reshape(streams, 1, length, channels)], dim=1)
    raster, column = torch.split(forward, 1, dim=1)
    back_raster, back_column = torch.split(forward.flip(2), 1, dim=1)
    return torch.cat([raster, back_raster, column, back_column], dim=1)


def from_orders(
    o: Tensor, height: int, width: int, how: Reordering, directions: Directions = EVERY_DIRECTION
) -> Tensor:
    """The way back: [S, D, T, C] to [S, T, D x C] in raster order, directions side by side."""
    streams, count, length, channels = o.shape
    if how == "none":
        return o.transpose(1, 2).flatten(2)
    if how == "gather":
        starts = np.arange(count)[:, None] * length
        rows = np.argsort(_orders(height, width)[list(directions)], axis=1) + starts
        # Token by token, so that what a token has in every direction ends up side by side.
        together = torch.from_numpy(rows.T.reshape(-1))
        flat = o.reshape(streams, count * length, channels).index_select(1, together)
        return flat.reshape(streams, length, count * channels)
    raster, back_raster, column, back_column = torch.split(o, 1, dim=1)
    raster_back, column_back = torch.split(
        torch.cat([back_raster, back_column], dim=1).flip(2), 1, dim=1
    )
    columns = torch.cat([column, column_back], dim=1)
    grid = columns.reshape(streams * 2, width, height, channels).transpose(1, 2)
    columns = grid.reshape(streams, 2, length, channels)
    return torch.cat([raster, raster_back, columns], dim=1).transpose(1, 2).flatten(2)


def _orders(height: int, width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """[4, T]: raster indices of the tokens in the order in which each direction visits them."""
    raster = np.arange(height * width)
    column = raster.reshape(height, width).T.reshape(-1)
    return np.stack([raster, raster[::-1], column, column[::-1]])
