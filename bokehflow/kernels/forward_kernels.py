"""Forward walks: what a split of a scan does to any state, its outputs, its chunks' states.

A chain of T tokens is cut into *splits* of whole chunks that run side by side:
1. `split_summary_kernel`: every split from an empty state, giving (M, B) with S_end = M S + B;
2. `split_scan_kernel` (boundary_kernel.py): the state at every split's start;
3. `scan_output_kernel`: every split again from its start state, writing o.
With one split only step 3 runs. The columns of a state never mix, so a program takes BV of them:
program (chain, split, column block).
"""

# Triton's language is compiled, not run: Python's types say nothing about it.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl

from bokehflow.kernels.addressing import (
    chain_place,
    load_gate,
    load_rows,
    load_state,
    store_rows,
    store_state,
    token_places,
    view_base,
)
from bokehflow.kernels.chunk_math import attention, chunk_system, matmul


@triton.jit
def split_summary_kernel(
    k, v, log_decay, beta, transitions, injections,
    shape, split_length,
    K: tl.constexpr, V: tl.constexpr, BK: tl.constexpr, BV: tl.constexpr,
    C: tl.constexpr, UNIT: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write M [K, K] and B [K, V] of one split, S_end = M S_start + B.

    transitions [chains, splits, K, K], injections [chains, splits, K, V].
    """
    chain, split, column = tl.program_id(0), tl.program_id(1), tl.program_id(2) * BV
    place = chain_place(chain, shape)
    k_base, v_base = view_base(k, place, UNIT), view_base(v, place, UNIT)
    decay_base, beta_base = view_base(log_decay, place, 1), view_base(beta, place, 1)
    start = split * split_length
    stop = min(start + split_length, shape[2])

    diagonal = tl.arange(0, BK)[:, None] == column + tl.arange(0, BV)[None, :]
    M = tl.where(diagonal, 1.0, 0.0)
    B = tl.zeros([BK, BV], tl.float32)
    for first in range(start, stop, C):
        places, valid = token_places(first, stop, place, shape, C)
        keys = load_rows(k_base, k, places, valid, 0, K, BK, UNIT)
        values = load_rows(v_base, v, places, valid, column, V, BV, UNIT)
        b = load_gate(beta_base, beta, places, valid)
        log_a = load_gate(decay_base, log_decay, places, valid)
        _, T, grown, _, to_end, decay = chunk_system(keys, b, log_a, C, PRECISION)
        recalled = values - grown[:, None] * matmul(keys, B, PRECISION)
        U = matmul(T, b[:, None] * recalled, PRECISION)
        W = matmul(T, (b * grown)[:, None] * matmul(keys, M, PRECISION), PRECISION)
        kept = tl.trans(keys * to_end[:, None])
        B = decay * B + matmul(kept, U, PRECISION)
        M = decay * M - matmul(kept, W, PRECISION)

    index = chain * tl.num_programs(1) + split
    store_state(transitions, index, column, M, K, K, BK, BV)
    store_state(injections, index, column, B, K, V, BK, BV)


@triton.jit
def scan_output_kernel(
    q, k, v, log_decay, beta, start_states, o, final_state,
    shape, split_length,
    K: tl.constexpr, V: tl.constexpr, BK: tl.constexpr, BV: tl.constexpr,
    C: tl.constexpr, UNIT: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write o for one split from its start state; the last split also writes the final state.

    start_states [chains, splits, K, V], final_state [chains, K, V].
    """
    chain, split, column = tl.program_id(0), tl.program_id(1), tl.program_id(2) * BV
    splits = tl.num_programs(1)
    place = chain_place(chain, shape)
    q_base, k_base = view_base(q, place, UNIT), view_base(k, place, UNIT)
    v_base, o_base = view_base(v, place, UNIT), view_base(o, place, UNIT)
    decay_base, beta_base = view_base(log_decay, place, 1), view_base(beta, place, 1)
    start = split * split_length
    stop = min(start + split_length, shape[2])

    S = load_state(start_states, chain * splits + split, column, K, V, BK, BV)
    for first in range(start, stop, C):
        places, valid = token_places(first, stop, place, shape, C)
        queries = load_rows(q_base, q, places, valid, 0, K, BK, UNIT)
        keys = load_rows(k_base, k, places, valid, 0, K, BK, UNIT)
        values = load_rows(v_base, v, places, valid, column, V, BV, UNIT)
        b = load_gate(beta_base, beta, places, valid)
        log_a = load_gate(decay_base, log_decay, places, valid)
        _, T, grown, pairs, to_end, decay = chunk_system(keys, b, log_a, C, PRECISION)
        recalled = values - grown[:, None] * matmul(keys, S, PRECISION)
        U = matmul(T, b[:, None] * recalled, PRECISION)
        P, _ = attention(queries, keys, pairs, C, PRECISION)
        outputs = grown[:, None] * matmul(queries, S, PRECISION) + matmul(P, U, PRECISION)
        store_rows(o_base, o, places, valid, column, outputs, V, BV, UNIT)
        S = decay * S + matmul(tl.trans(keys * to_end[:, None]), U, PRECISION)

    if split == splits - 1:
        store_state(final_state, chain, column, S, K, V, BK, BV)


@triton.jit
def chunk_state_kernel(
    k, v, log_decay, beta, start_states, chunk_states,
    shape, split_length,
    K: tl.constexpr, V: tl.constexpr, BK: tl.constexpr, BV: tl.constexpr,
    C: tl.constexpr, UNIT: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write the state before every chunk of one split, for the backward pass.

    start_states [chains, splits, K, V], chunk_states [chains, chunks, K, V].
    """
    chain, split, column = tl.program_id(0), tl.program_id(1), tl.program_id(2) * BV
    place = chain_place(chain, shape)
    k_base, v_base = view_base(k, place, UNIT), view_base(v, place, UNIT)
    decay_base, beta_base = view_base(log_decay, place, 1), view_base(beta, place, 1)
    start = split * split_length
    stop = min(start + split_length, shape[2])
    index = chain * tl.cdiv(shape[2], C) + start // C

    S = load_state(start_states, chain * tl.num_programs(1) + split, column, K, V, BK, BV)
    store_state(chunk_states, index, column, S, K, V, BK, BV)
    for first in range(start, stop - C, C):
        places, valid = token_places(first, stop, place, shape, C)
        keys = load_rows(k_base, k, places, valid, 0, K, BK, UNIT)
        values = load_rows(v_base, v, places, valid, column, V, BV, UNIT)
        b = load_gate(beta_base, beta, places, valid)
        log_a = load_gate(decay_base, log_decay, places, valid)
        _, T, grown, _, to_end, decay = chunk_system(keys, b, log_a, C, PRECISION)
        recalled = values - grown[:, None] * matmul(keys, S, PRECISION)
        U = matmul(T, b[:, None] * recalled, PRECISION)
        S = decay * S + matmul(tl.trans(keys * to_end[:, None]), U, PRECISION)
        index += 1
        store_state(chunk_states, index, column, S, K, V, BK, BV)
