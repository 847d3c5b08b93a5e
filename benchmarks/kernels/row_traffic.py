"""What the output walk reads and writes, without its arithmetic: the least time of its way through
memory, which scattered rows and sectors make longer than its bytes alone.
"""

# Triton's language is compiled, not run: Python's types say nothing about it.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl

from bokehflow.kernels.addressing import (
    chain_place,
    chunk_numbers,
    load_rows,
    store_rows,
    token_places,
    view_base,
)
from bokehflow.kernels.gate_kernel import load_gates, part_gates


@triton.jit
def row_traffic_kernel(
    q, k, v, gates, start_states, o, final_state,  # noqa: ARG001
    shape, split_length,
    K: tl.constexpr, V: tl.constexpr, BK: tl.constexpr, BV: tl.constexpr,
    C: tl.constexpr, UNIT: tl.constexpr,
):  # fmt: skip
    """Write q + k + v + both gates of every token as its o. Program and arguments as in
    `scan_output_kernel`, K and V of one size."""
    tl.static_assert(BK == BV)
    chain, split, column = tl.program_id(0), tl.program_id(1), tl.program_id(2) * BV
    place = chain_place(chain, shape)
    q_base, k_base = view_base(q, place, UNIT), view_base(k, place, UNIT)
    v_base, o_base = view_base(v, place, UNIT), view_base(o, place, UNIT)
    start = split * split_length
    stop = min(start + split_length, shape[2])
    chunk, last = chunk_numbers(chain, start, stop, shape, C)
    ahead = load_gates(gates, chunk, C)
    for first in range(start, stop, C):
        places, valid = token_places(first, stop, place, shape, C)
        queries = load_rows(q_base, q, places, valid, 0, K, BK, UNIT)
        keys = load_rows(k_base, k, places, valid, 0, K, BK, UNIT)
        values = load_rows(v_base, v, places, valid, column, V, BV, UNIT)
        log_a, b = part_gates(ahead)
        chunk = min(chunk + 1, last)
        ahead = load_gates(gates, chunk, C)
        sums = queries.to(tl.float32) + keys.to(tl.float32) + values.to(tl.float32)
        store_rows(o_base, o, places, valid, column, sums + (log_a + b)[:, None], V, BV, UNIT)
