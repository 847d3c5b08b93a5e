"""Where the tokens of a scan lie: strides in place of permuted and flipped copies.

A *view* is the tuple (pointer, batch stride, token stride, direction stride, head stride,
channel stride) of one tensor [B, T, 4, H, D]; gates [B, T, 4, H] leave out the last stride.
All but the channel stride count in UNIT elements: with UNIT 8 the compiler knows that rows are
aligned and reads them in 16-byte words, which it could not see in a head stride of 24.
A *chain* is one recurrence: one batch entry, segment, direction and head, in that order in memory.
A *shape* is the tuple (heads, segments, tokens of one segment, height, width).
"""

# Triton's language is compiled, not run: Python's types say nothing about it.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def chain_place(chain, shape):
    """Split a chain's number into (batch, segment, direction, head)."""
    heads, segments = shape[0], shape[1]
    head = chain % heads
    direction = (chain // heads) % 4
    segment = (chain // (4 * heads)) % segments
    batch = chain // (4 * heads * segments)
    return batch, segment, direction, head


@triton.jit
def view_base(view, place, UNIT: tl.constexpr):
    """Pointer to token 0 of one chain's tensor; 64-bit, a batch can pass 2**31 elements."""
    offset = place[0].to(tl.int64) * view[1]
    offset += place[2].to(tl.int64) * view[3] + place[3].to(tl.int64) * view[4]
    return view[0] + offset * UNIT


@triton.jit
def token_places(first, stop, place, shape, C: tl.constexpr):
    """Raster indices [C] of the tokens at steps first, first + 1, ... of a chain, and which exist.

    Directions: 0 raster, 1 reverse raster, 2 column-major, 3 reverse column-major.
    """
    segment, direction = place[1], place[2]
    length, height, width = shape[2], shape[3], shape[4]
    steps = first + tl.arange(0, C)
    ordered = segment * length + steps
    ordered = tl.where(direction % 2 == 1, shape[1] * length - 1 - ordered, ordered)
    by_column = (ordered % height) * width + ordered // height
    return tl.where(direction >= 2, by_column, ordered).to(tl.int64), steps < stop


@triton.jit
def _row_offsets(
    view, places, valid, start, SIZE: tl.constexpr, BLOCK: tl.constexpr, UNIT: tl.constexpr
):
    channels = start + tl.arange(0, BLOCK)
    offsets = (places * view[2] * UNIT)[:, None] + channels[None, :] * view[5]
    return offsets, valid[:, None] & (channels[None, :] < SIZE)


@triton.jit
def load_rows(
    base, view, places, valid, start,
    SIZE: tl.constexpr, BLOCK: tl.constexpr, UNIT: tl.constexpr,
):  # fmt: skip
    """Channels start, start + 1, ... of some tokens, [C, BLOCK] in fp32; zero where none exists."""
    offsets, mask = _row_offsets(view, places, valid, start, SIZE, BLOCK, UNIT)
    return tl.load(base + offsets, mask=mask, other=0.0).to(tl.float32)


@triton.jit
def store_rows(
    base, view, places, valid, start, rows,
    SIZE: tl.constexpr, BLOCK: tl.constexpr, UNIT: tl.constexpr,
):  # fmt: skip
    """Write rows [C, BLOCK] at channels start, start + 1, ... in the tensor's own dtype."""
    offsets, mask = _row_offsets(view, places, valid, start, SIZE, BLOCK, UNIT)
    tl.store(base + offsets, rows.to(view[0].dtype.element_ty), mask=mask)


@triton.jit
def load_gate(base, view, places, valid):
    """One scalar a token [C] in fp32; zero where none exists (log decay 0, beta 0: no effect)."""
    return tl.load(base + places * view[2], mask=valid, other=0.0).to(tl.float32)


@triton.jit
def store_gate(base, view, places, valid, values):
    """Write one scalar a token [C] in the tensor's own dtype."""
    tl.store(base + places * view[2], values.to(view[0].dtype.element_ty), mask=valid)


@triton.jit
def _state_offsets(
    index, start, ROWS: tl.constexpr, COLS: tl.constexpr, BR: tl.constexpr, BC: tl.constexpr
):
    rows, cols = tl.arange(0, BR)[:, None], start + tl.arange(0, BC)[None, :]
    offsets = index.to(tl.int64) * (ROWS * COLS) + rows * COLS + cols
    return offsets, (rows < ROWS) & (cols < COLS)


@triton.jit
def load_state(
    states, index, start, ROWS: tl.constexpr, COLS: tl.constexpr, BR: tl.constexpr, BC: tl.constexpr
):
    """Columns start, start + 1, ... of matrix `index` of a contiguous fp32 [..., ROWS, COLS]."""
    offsets, mask = _state_offsets(index, start, ROWS, COLS, BR, BC)
    return tl.load(states + offsets, mask=mask, other=0.0)


@triton.jit
def store_state(
    states, index, start, value,
    ROWS: tl.constexpr, COLS: tl.constexpr, BR: tl.constexpr, BC: tl.constexpr,
):  # fmt: skip
    """Write columns start, start + 1, ... of matrix `index` of a contiguous fp32 array."""
    offsets, mask = _state_offsets(index, start, ROWS, COLS, BR, BC)
    tl.store(states + offsets, value, mask=mask)
