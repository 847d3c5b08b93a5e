"""In which form a large constant is stored: the smallest that gives the same values again.

Every format puts a form into operations of its own, which engines fold away when they load a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bokehflow.export.outer_sums import outer_sum
from bokehflow.export.repeats import repeated

SMALLEST_WORTH_IT = 256
"""Elements of a constant from which on an operation that unpacks it costs less than it saves."""

Array = NDArray[np.generic]


@dataclass(frozen=True, slots=True, eq=False)
class Plain:
    """As it is."""

    values: Array


@dataclass(frozen=True, slots=True, eq=False)
class OneValue:
    """The same value everywhere in a shape."""

    value: np.generic
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class OuterSum:
    """outer + inner, broadcast and brought into a shape; int64, and the sums fit into int32."""

    outer: Array
    inner: Array
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Tiled:
    """What a part gives, so many times along every axis."""

    part: Form
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Narrowed:
    """Values of a narrower type, to be converted to the constant's own."""

    values: Array
    dtype: np.dtype[Any]


Form = Plain | OneValue | OuterSum | Tiled | Narrowed


def stored_form(values: NDArray[Any], *, half_error: float | None) -> Form:
    """The form for a constant of at least SMALLEST_WORTH_IT elements.

    It gives the same bits, which tell -0 from 0. Floats alone may be rounded, to half precision:
    by as much as `half_precision` is told, None for not even where that changes none.
    """
    one = values.reshape(-1)[0]
    if values.tobytes() == one.tobytes() * values.size:
        return OneValue(one, values.shape)
    is_narrow = values.dtype == np.int64 and _fit_int32(values)
    if is_narrow and (parts := outer_sum(values)) is not None:
        return OuterSum(*parts, values.shape)
    if (found := repeated(values)) is not None:
        part, counts = found
        worth_it = part.size >= SMALLEST_WORTH_IT
        return Tiled(stored_form(part, half_error=half_error) if worth_it else Plain(part), counts)
    if is_narrow:
        return Narrowed(values.astype(np.int32), values.dtype)
    if values.dtype == np.float32 and half_error is not None:
        half = half_precision(values, half_error)
        if half is not None:
            return Narrowed(half, values.dtype)
    return Plain(values)


def half_precision(values: NDArray[np.float32], error: float) -> NDArray[np.float16] | None:
    """The values in half precision, None where that changes any of them by more than `error` times
    the largest magnitude."""
    with np.errstate(over="ignore", invalid="ignore"):
        half = values.astype(np.float16)
        back = half.astype(np.float32)
        near = np.abs(back - values).max() <= error * np.abs(values).max()
    return half if near or np.array_equal(back, values) else None


def _fit_int32(values: NDArray[np.int64]) -> bool:
    limits = np.iinfo(np.int32)
    return bool(limits.min <= values.min() and values.max() <= limits.max)
