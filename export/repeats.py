"""Tensors that say the same several times along an axis, which are smaller to store once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def repeated(values: NDArray[Any]) -> tuple[NDArray[np.generic], tuple[int, ...]] | None:
    """The part that is repeated and how often along every axis, as `numpy.tile` takes them.

    None where nothing is repeated to the bit.
    """
    part, counts = values, []
    for axis, length in enumerate(values.shape):
        period = next(
            n for n in range(1, length + 1) if length % n == 0 and _repeats(part, axis, n)
        )
        part = part.take(range(period), axis)
        counts.append(length // period)
    return (part, tuple(counts)) if part.size < values.size else None


def _repeats(values: NDArray[Any], axis: int, period: int) -> bool:
    """Whether everything along an axis is what lies `period` before it, bit by bit."""
    length = values.shape[axis]
    later = values.take(range(period, length), axis)
    return later.tobytes() == values.take(range(length - period), axis).tobytes()
