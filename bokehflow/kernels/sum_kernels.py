"""Sums over the rows of a tall matrix."""

# Triton's language is compiled, not run: Python's types say nothing about it.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def column_sum_kernel(x, shares, count, columns, rows_each, BR: tl.constexpr, BC: tl.constexpr):
    """Sums over rows_each rows of x [count, columns] a program: [programs, columns] in fp32."""
    channel = tl.program_id(1) * BC + tl.arange(0, BC)
    total = tl.zeros([BC], tl.float32)
    start = tl.program_id(0) * rows_each
    for first in range(start, min(start + rows_each, count), BR):
        row = first + tl.arange(0, BR)
        inside = (row < count)[:, None] & (channel < columns)[None, :]
        place = row.to(tl.int64)[:, None] * columns + channel[None, :]
        total += tl.sum(tl.load(x + place, mask=inside, other=0.0).to(tl.float32), 0)
    tl.store(shares + tl.program_id(0) * columns + channel, total, mask=channel < columns)
