"""Forward walks: what a split of a scan does to any state, its outputs, its chunks' states.

A chain of T tokens is cut into *splits* of whole chunks that run side by side:
1. `split_summary_kernel`: what every split makes of a state S, d S + F S + B with a number d;
2. `split_scan_kernel` (boundary_kernels.py): the state at every split's start;
3. `scan_output_kernel`: every split again from its start state, writing o.
With one split only step 3 runs. The columns of a state never mix, so a program takes BV of them:
program (chain, split, column block). Walks hold states transposed, for which `chunk_math` says why.
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
    load_state,
    store_rows,
    store_state,
    token_places,
    view_base,
)
from bokehflow.kernels.chunk_math import (
    add_matmul,
    attention,
    chunk_system,
    erasers,
    matmul,
    updates,
)
from bokehflow.kernels.gate_kernel import load_gates, part_gates


@triton.jit
def split_summary_kernel(
    k, v, gates, decays, changes, injections,
    shape, split_length,
    K: tl.constexpr, V: tl.constexpr, BK: tl.constexpr, BV: tl.constexpr,
    C: tl.constexpr, UNIT: tl.constexpr,
):  # fmt: skip
    """Write d, F^T [K, K] and B^T [V, K] of one split, S_end = M S_start + B with M = d + F.

    decays d [chains, splits], changes F^T [chains, splits, K, K], injections B^T
    [chains, splits, V, K].
    """
    chain, split, column = tl.program_id(0), tl.program_id(1), tl.program_id(2) * BV
    place = chain_place(chain, shape)
    k_base, v_base = view_base(k, place, UNIT), view_base(v, place, UNIT)
    start = split * split_length
    stop = min(start + split_length, shape[2])

    OPERANDS: tl.constexpr = k[0].dtype.element_ty
    diagonal = column + tl.arange(0, BV)[:, None] == tl.arange(0, BK)[None, :]
    d, M_t = 1.0, tl.where(diagonal, 1.0, 0.0)
    B_t = tl.zeros([BV, BK], tl.float32)
    chunk, last = chunk_numbers(chain, start, stop, shape, C)
    ahead = load_gates(gates, chunk, C)
    for first in range(start, stop, C):
        places, valid = token_places(first, stop, place, shape, C)
        keys = load_rows(k_base, k, places, valid, 0, K, BK, UNIT)
        values = load_rows(v_base, v, places, valid, column, V, BV, UNIT)
        log_a, b = part_gates(ahead)
        chunk = min(chunk + 1, last)
        ahead = load_gates(gates, chunk, C)
        _, T, _, grown, _, to_end, decay = chunk_system(keys, b, log_a, C, OPERANDS)
        minus_W = erasers(keys, T, grown, OPERANDS)
        X_t = updates(B_t, minus_W, values, T, OPERANDS)
        kept = (b * to_end)[None, :]
        B_t = add_matmul(decay * B_t, X_t * kept, keys, OPERANDS)
        minus_WM_t = matmul(M_t, tl.trans(minus_W), OPERANDS)
        M_t = add_matmul(decay * M_t, minus_WM_t * kept, keys, OPERANDS)
        d *= decay

    index = chain * tl.num_programs(1) + split
    tl.store(decays + index, d)
    F_t = tl.where(diagonal, M_t - d, M_t)
    store_state(changes, index, column, 0, F_t.to(OPERANDS), K, K, BV, BK)
    store_state(injections, index, column, 0, B_t, V, K, BV, BK)


@triton.jit
def scan_output_kernel(
    q, k, v, gates, start_states, o, final_state,
    shape, split_length,
    K: tl.constexpr, V: tl.constexpr, BK: tl.constexpr, BV: tl.constexpr,
    C: tl.constexpr, UNIT: tl.constexpr,
):  # fmt: skip
    """Write o for one split from its start state; the last split also writes the final state.

    start_states [chains, splits, K, V], final_state [chains, K, V].
    """
    chain, split, column = tl.program_id(0), tl.program_id(1), tl.program_id(2) * BV
    splits = tl.num_programs(1)
    place = chain_place(chain, shape)
    q_base, k_base = view_base(q, place, UNIT), view_base(k, place, UNIT)
    v_base, o_base = view_base(v, place, UNIT), view_base(o, place, UNIT)
    start = split * split_length
    stop = min(start + split_length, shape[2])

    OPERANDS: tl.constexpr = k[0].dtype.element_ty
    S_t = tl.trans(load_state(start_states, chain * splits + split, 0, column, K, V, BK, BV))
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
        _, T, _, grown, pairs, to_end, decay = chunk_system(keys, b, log_a, C, OPERANDS)
        minus_W = erasers(keys, T, grown, OPERANDS)
        U_t = updates(S_t, minus_W, values, T, OPERANDS) * b[None, :]
        outputs = grown[:, None] * matmul(queries, tl.trans(S_t), OPERANDS)
        P = attention(queries, keys, pairs, OPERANDS)
        outputs = add_matmul(outputs, P, tl.trans(U_t), OPERANDS)
        store_rows(o_base, o, places, valid, column, outputs, V, BV, UNIT)
        S_t = add_matmul(decay * S_t, U_t * to_end[None, :], keys, OPERANDS)

    if split == splits - 1:
        store_state(final_state, chain, 0, column, tl.trans(S_t), K, V, BK, BV)


@triton.jit
def chunk_state_kernel(
    k, v, gates, start_states, chunk_states,
    shape, split_length,
    K: tl.constexpr, V: tl.constexpr, BK: tl.constexpr, BV: tl.constexpr,
    C: tl.constexpr, UNIT: tl.constexpr,
):  # fmt: skip
    """Write the state before every chunk of one split, for the backward pass, transposed.

    start_states [chains, splits, K, V], chunk_states [chains, chunks, V, K].
    """
    chain, split, column = tl.program_id(0), tl.program_id(1), tl.program_id(2) * BV
    place = chain_place(chain, shape)
    k_base, v_base = view_base(k, place, UNIT), view_base(v, place, UNIT)
    start = split * split_length
    stop = min(start + split_length, shape[2])
    chunk, last = chunk_numbers(chain, start, stop, shape, C)

    OPERANDS: tl.constexpr = k[0].dtype.element_ty
    S = load_state(start_states, chain * tl.num_programs(1) + split, 0, column, K, V, BK, BV)
    S_t = tl.trans(S)
    store_state(chunk_states, chunk, column, 0, S_t, V, K, BV, BK)
    ahead = load_gates(gates, chunk, C)
    for first in range(start, stop - C, C):
        places, valid = token_places(first, stop, place, shape, C)
        keys = load_rows(k_base, k, places, valid, 0, K, BK, UNIT)
        values = load_rows(v_base, v, places, valid, column, V, BV, UNIT)
        log_a, b = part_gates(ahead)
        chunk = min(chunk + 1, last)
        ahead = load_gates(gates, chunk, C)
        _, T, _, grown, _, to_end, decay = chunk_system(keys, b, log_a, C, OPERANDS)
        minus_W = erasers(keys, T, grown, OPERANDS)
        X_t = updates(S_t, minus_W, values, T, OPERANDS)
        S_t = add_matmul(decay * S_t, X_t * (b * to_end)[None, :], keys, OPERANDS)
        store_state(chunk_states, chunk, column, 0, S_t, V, K, BV, BK)
