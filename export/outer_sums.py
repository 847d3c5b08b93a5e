"""Orders of a grid's tokens as sums of row and column, which are far smaller to store."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bokehflow.scan import DIRECTIONS


def outer_sum(
    values: NDArray[Any],
) -> tuple[NDArray[np.generic], NDArray[np.generic]] | None:
    """The two smallest arrays whose sum, broadcast and flattened, is a vector; None if there are
    none.

    The orders in which a grid is walked are such sums, of row and column, forwards or backwards;
    those of several directions lie behind each other, or side by side at every token. The first
    array is `a` [g, n, 1, 1] or [1, n, 1, g], the second `b` [g, 1, m, 1] or [1, 1, m, g].
    """
    for shape in sorted(_grids(values.size), key=lambda s: (s[0] * s[3] * (s[1] + s[2]), s)):
        grid = values.reshape(shape)
        outer, rest = grid[:, :, :1], grid[:, :1] - grid[:, :1, :1]
        if np.array_equal(outer + rest, grid):
            return outer, rest
    return None


def _grids(size: int) -> set[tuple[int, int, int, int]]:
    """All [directions, rows, columns, 1] and [1, rows, columns, directions] of a size."""
    grids = set()
    for directions in range(1, len(DIRECTIONS) + 1):
        length = size // directions
        if length * directions == size:
            for columns in range(2, length // 2 + 1):
                if length % columns == 0:
                    rows = length // columns
                    grids |= {(directions, rows, columns, 1), (1, rows, columns, directions)}
    return grids
