"""Tokens brought into the four scan orders and back by one gather, which copies whole rows on CPUs.

Accelerators have none, or leave their own memory for it: see `map_mixer.py`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from bokehflow.kernels.walks import walking_order
from bokehflow.scan import DIRECTIONS

Reordering = Literal["gather", "none"]
"""`none` leaves raster order, for graphs without a scan."""
Directions = tuple[int, ...]
"""Indices into DIRECTIONS."""
EVERY_DIRECTION: Directions = tuple(range(len(DIRECTIONS)))
ROWS_AND_COLUMNS: tuple[Directions, ...] = ((0, 1), (2, 3))


def to_orders(
    x: Tensor, height: int, width: int, how: Reordering, directions: Directions = EVERY_DIRECTION
) -> Tensor:
    """[S, T, C] in raster order to [S, D, T, C], each direction in its own order."""
    streams, length, channels = x.shape
    if how == "none":
        return x[:, None].expand(streams, len(directions), length, channels)
    rows = walking_order(height, width)[list(directions)]
    ordered = x.index_select(1, torch.from_numpy(rows.reshape(-1).astype(np.int64)))
    return ordered.reshape(streams, len(directions), length, channels)


def from_orders(
    o: Tensor, height: int, width: int, how: Reordering, directions: Directions = EVERY_DIRECTION
) -> Tensor:
    """The way back: [S, D, T, C] to [S, T, D x C] in raster order, directions side by side."""
    streams, count, length, channels = o.shape
    if how == "none":
        return o.transpose(1, 2).flatten(2)
    starts = np.arange(count)[:, None] * length
    rows = np.argsort(walking_order(height, width)[list(directions)], axis=1) + starts
    # Token by token, so that what a token has in every direction ends up side by side.
    together = torch.from_numpy(rows.T.reshape(-1))
    flat = o.reshape(streams, count * length, channels).index_select(1, together)
    return flat.reshape(streams, length, count * channels)
