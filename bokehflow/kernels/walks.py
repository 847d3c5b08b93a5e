"""The way of each direction over a feature map, as a table."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt


@lru_cache(maxsize=8)
def walking_order(height: int, width: int) -> npt.NDArray[np.int32]:
    """Raster indices of all tokens in the order in which each direction visits them, [4, T].

    Directions: raster, reverse raster, column-major, reverse column-major.
    """
    raster = np.arange(height * width, dtype=np.int32)
    columns = raster.reshape(height, width).T.ravel()
    return np.stack([raster, raster[::-1], columns, columns[::-1]])
