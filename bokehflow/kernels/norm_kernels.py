"""Layer norm over short rows: whole rows of a few dozen channels in registers, many a program."""

# Triton's language is compiled, not run: Python's types say nothing about it.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _block(first, count, C: tl.constexpr, BC: tl.constexpr, BR: tl.constexpr):
    """Offsets [BR, BC] of rows first, first + 1, ..., and where they exist."""
    rows, columns = first + tl.arange(0, BR), tl.arange(0, BC)
    offsets = rows.to(tl.int64)[:, None] * C + columns[None, :]
    return offsets, (rows < count)[:, None] & (columns < C)[None, :]


@triton.jit
def _normalised(x, inside, epsilon, C: tl.constexpr):
    """Rows less their mean over their deviation, and one over the deviation."""
    centred = tl.where(inside, x - (tl.sum(x, 1) / C)[:, None], 0.0)
    scale = tl.rsqrt(tl.sum(centred * centred, 1) / C + epsilon)
    return centred * scale[:, None], scale


@triton.jit
def norm_kernel(
    x, weight, bias, y, count, epsilon,
    C: tl.constexpr, BC: tl.constexpr, BR: tl.constexpr,
):  # fmt: skip
    """y = normalised(x) * weight + bias. x, y: [count, C], contiguous. Program: BR rows."""
    offsets, inside = _block(tl.program_id(0) * BR, count, C, BC, BR)
    columns = tl.arange(0, BC)
    w = tl.load(weight + columns, mask=columns < C, other=0.0).to(tl.float32)
    b = tl.load(bias + columns, mask=columns < C, other=0.0).to(tl.float32)
    rows = tl.load(x + offsets, mask=inside, other=0.0).to(tl.float32)
    normal, _ = _normalised(rows, inside, epsilon, C)
    out = normal * w[None, :] + b[None, :]
    tl.store(y + offsets, out.to(y.dtype.element_ty), mask=inside)


@triton.jit
def norm_gradient_kernel(
    x, weight, grad_y, grad_x, grad_weight, grad_bias, count, epsilon, rows_each,
    C: tl.constexpr, BC: tl.constexpr, BR: tl.constexpr,
):  # fmt: skip
    """Write grad_x, and each program's share of the others, [programs, C] in fp32.

    With n = normalised(x), s = 1 / deviation and g = grad_y * weight:
    grad_x = s (g - mean(g) - n mean(g n)). Program: rows_each rows, a multiple of BR.
    """
    columns = tl.arange(0, BC)
    w = tl.load(weight + columns, mask=columns < C, other=0.0).to(tl.float32)
    d_weight = tl.zeros([BC], tl.float32)
    d_bias = tl.zeros([BC], tl.float32)
    start = tl.program_id(0) * rows_each
    for first in range(start, min(start + rows_each, count), BR):
        offsets, inside = _block(first, count, C, BC, BR)
        rows = tl.load(x + offsets, mask=inside, other=0.0).to(tl.float32)
        upstream = tl.load(grad_y + offsets, mask=inside, other=0.0).to(tl.float32)
        normal, scale = _normalised(rows, inside, epsilon, C)
        d_weight += tl.sum(upstream * normal, 0)
        d_bias += tl.sum(upstream, 0)
        g = upstream * w[None, :]
        along = (tl.sum(g * normal, 1) / C)[:, None]
        d_rows = scale[:, None] * (g - (tl.sum(g, 1) / C)[:, None] - normal * along)
        tl.store(grad_x + offsets, d_rows.to(grad_x.dtype.element_ty), mask=inside)
    share = tl.program_id(0) * C + columns
    tl.store(grad_weight + share, d_weight, mask=columns < C)
    tl.store(grad_bias + share, d_bias, mask=columns < C)
