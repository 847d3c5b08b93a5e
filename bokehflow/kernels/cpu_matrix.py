"""The small-matrix steps of the CPU recurrence, compiled for one pair of head sizes.

A matrix [rows, cols] lies flat, row after row. Every loop runs over columns outside and over a
constant number of rows inside: the compiler unrolls the rows and puts the columns in vector
lanes. The natural order, or a two-dimensional array, runs five to ten times slower.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numba

MAX_UNROLLED_ROWS = 24
"""LLVM stops unrolling the inner loops somewhere above this, and then vectorises nothing."""

COMPILE_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    # Everything but the assumption that there are no NaNs and infinities.
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
}


class MatrixSteps(NamedTuple):
    """Compiled functions on matrices [rows, cols], vectors x [rows] and y [cols]."""

    mix: Callable[..., None]
    """mix(M, x, out): out = x^T M."""
    mix_two: Callable[..., None]
    """mix_two(M, x, z, out, out_z): out = x^T M and out_z = z^T M."""
    update: Callable[..., None]
    """update(M, decay, x, y): M = decay M + x y^T."""
    product: Callable[..., float]
    """product(M, N): the sum of M * N."""
    copy: Callable[..., None]
    """copy(M, N): N = M; a slice assignment takes ten times as long."""


@cache
def compile_matrix_steps(rows: int, cols: int) -> MatrixSteps:
    """The steps for matrices of one size."""
    band = _rows_per_pass(rows)
    size = rows * cols

    @numba.njit(**COMPILE_OPTIONS)
    def mix(M, x, out):  # type: ignore[no-untyped-def]
        for c in range(cols):
            total = x[0] * M[c]
            for r in range(1, band):
                total += x[r] * M[r * cols + c]
            out[c] = total
        for first in range(band, rows, band):
            for c in range(cols):
                total = out[c]
                for r in range(band):
                    total += x[first + r] * M[(first + r) * cols + c]
                out[c] = total

    @numba.njit(**COMPILE_OPTIONS)
    def mix_two(M, x, z, out, out_z):  # type: ignore[no-untyped-def]
        for c in range(cols):
            total, total_z = x[0] * M[c], z[0] * M[c]
            for r in range(1, band):
                total += x[r] * M[r * cols + c]
                total_z += z[r] * M[r * cols + c]
            out[c], out_z[c] = total, total_z
        for first in range(band, rows, band):
            for c in range(cols):
                total, total_z = out[c], out_z[c]
                for r in range(band):
                    total += x[first + r] * M[(first + r) * cols + c]
                    total_z += z[first + r] * M[(first + r) * cols + c]
                out[c], out_z[c] = total, total_z

    @numba.njit(**COMPILE_OPTIONS)
    def update(M, decay, x, y):  # type: ignore[no-untyped-def]
        for first in range(0, rows, band):
            for c in range(cols):
                column = y[c]
                for r in range(band):
                    at = (first + r) * cols + c
                    M[at] = decay * M[at] + x[first + r] * column

    @numba.njit(**COMPILE_OPTIONS)
    def product(M, N):  # type: ignore[no-untyped-def]
        total = M.dtype.type(0)
        for i in range(size):
            total += M[i] * N[i]
        return total

    @numba.njit(**COMPILE_OPTIONS)
    def copy(source, target):  # type: ignore[no-untyped-def]
        for i in range(size):
            target[i] = source[i]

    return MatrixSteps(mix, mix_two, update, product, copy)


def _rows_per_pass(rows: int) -> int:
    return max(n for n in range(1, MAX_UNROLLED_ROWS + 1) if rows % n == 0)
