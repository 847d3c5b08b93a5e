"""Orders of a grid's tokens as sums of row and column, which are far smaller to store."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bokehflow.scan import DIRECTIONS


def outer_sum(
    values: NDArray[Any],
) -> tuple[NDArray[np.generic], NDArray[np.generic]] | None:
    """`a` [g, n, 1] and `b` [g, 1, m] whose sum, flattened, is a vector; None if there are none.

    The orders in which a grid is walked are such sums: of row and column, forwards or backwards.
    Of all such pairs the smallest is taken.
    """
    for groups in (len(DIRECTIONS), 1):
        length = values.size // groups
        if length * groups != values.size:
            continue
        inners = [n for n in range(2, length // 2 + 1) if length % n == 0]
        for inner in sorted(inners, key=lambda n: length // n + n):
            grid = values.reshape(groups, -1, inner)
            outer, rest = grid[:, :, :1], grid[:, :1] - grid[:, :1, :1]
            if np.array_equal(outer + rest, grid):
                return outer, rest
    return None
