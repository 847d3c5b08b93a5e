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

from bokehflow.kernels.checks import DIRECTION_COUNT

D = tl.constexpr(DIRECTION_COUNT)


@triton.jit
def chain_place(chain, shape):
    """Split a chain's number into (batch, segment, direction, head)."""
    heads, segments = shape[0], shape[1]
    head = chain % heads
    direction = (chain // heads) % D
    segment = (chain // (D * heads)) % segments
    batch = chain // (D * heads * segments)
    return batch, segment, direction, head


@triton.jit
def view_base(view, place, UNIT: tl.constexpr):
    """Pointer to token 0 of one chain's tensor; 64-bit, a batch can pass 2**31 elements."""
    offset = place[0].to(tl.int64) * view[1]
    offset += place[2].to(tl.int64) * view[3] + place[3].to(tl.int64) * view[4]
    return view[0] + offset * UNIT


@triton.jit
def _divide(numbers, divisor):
    """Quotients and remainders of whole numbers >= 0, in fewer instructions than an integer
    division takes: an approximate quotient, corrected by what is left."""
    inverse = 1.0 / (divisor * 1.0)
    quotient = ((numbers.to(tl.float32) + 0.5) * inverse).to(tl.int32)
    left = numbers - quotient * divisor
    change = tl.where(left < 0, -1, tl.where(left >= divisor, 1, 0))
    return quotient + change, left - change * divisor


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
    column, row = _divide(ordered, height)
    by_column = row * width + column
    return tl.where(direction >= 2, by_column, ordered), steps < stop


@triton.jit
def chunk_numbers(chain, start, stop, shape, C: tl.constexpr):
    """The first and the last chunk of steps start .. stop of a chain, counted over all chains."""
    first_of_chain = chain * tl.cdiv(shape[2], C)
    return first_of_chain + start // C, first_of_chain + (stop - 1) // C


@triton.jit
def _row_offsets(
    view, places, valid, start, SIZE: tl.constexpr, BLOCK: tl.constexpr, UNIT: tl.constexpr
):
    channels = start + tl.arange(0, BLOCK)
    # In units of UNIT > 1 an image's offsets fit 32 bits, which `row_unit` sees to.
    rows = (places if UNIT > 1 else places.to(tl.int64)) * view[2]
    offsets = rows.to(tl.int64)[:, None] * UNIT + channels[None, :] * view[5]
    return offsets, valid[:, None] & (channels[None, :] < SIZE)


@triton.jit
def load_rows(
    base, view, places, valid, start,
    SIZE: tl.constexpr, BLOCK: tl.constexpr, UNIT: tl.constexpr,
):  # fmt: skip
    """Channels start, start + 1, ... of some tokens, [C, BLOCK]; zero where none exists."""
    offsets, mask = _row_offsets(view, places, valid, start, SIZE, BLOCK, UNIT)
    return tl.load(base + offsets, mask=mask, other=0.0)


@triton.jit
def store_rows(
    base, view, places, valid, start, rows,
    SIZE: tl.constexpr, BLOCK: tl.constexpr, UNIT: tl.constexpr,
):  # fmt: skip
    """Write rows [C, BLOCK] at channels start, start + 1, ... in the tensor's own dtype."""
    offsets, mask = _row_offsets(view, places, valid, start, SIZE, BLOCK, UNIT)
    tl.store(base + offsets, rows.to(view[0].dtype.element_ty), mask=mask)


@triton.jit
def store_gate(base, view, places, valid, values):
    """Write one scalar a token [C] in the tensor's own dtype."""
    tl.store(base + places.to(tl.int64) * view[2], values.to(view[0].dtype.element_ty), mask=valid)


@triton.jit
def _state_offsets(
    index, row, column, ROWS: tl.constexpr, COLS: tl.constexpr, BR: tl.constexpr, BC: tl.constexpr
):
    rows, cols = row + tl.arange(0, BR)[:, None], column + tl.arange(0, BC)[None, :]
    offsets = index.to(tl.int64) * (ROWS * COLS) + rows * COLS + cols
    return offsets, (rows < ROWS) & (cols < COLS)


@triton.jit
def load_state(
    states, index, row, column,
    ROWS: tl.constexpr, COLS: tl.constexpr, BR: tl.constexpr, BC: tl.constexpr,
):  # fmt: skip
    """The block [BR, BC] from (row, column) on of matrix `index` of a contiguous array."""
    offsets, mask = _state_offsets(index, row, column, ROWS, COLS, BR, BC)
    return tl.load(states + offsets, mask=mask, other=0.0)


@triton.jit
def store_state(
    states, index, row, column, value,
    ROWS: tl.constexpr, COLS: tl.constexpr, BR: tl.constexpr, BC: tl.constexpr,
):  # fmt: skip
    """Write such a block."""
    offsets, mask = _state_offsets(index, row, column, ROWS, COLS, BR, BC)
    tl.store(states + offsets, value, mask=mask)
