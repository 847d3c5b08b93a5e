"""Backward walks: how the gradient of the state goes back through a split's chunks.

With dO given and dS1 the gradient of the state after a chunk:
    dU = P^T dO + (e^(g_C - g) K) dS1,   dX = D dU,   W = T e^g K
    dS0 = e^(g_C) dS1 + (e^g Q)^T dO - W^T dX
What a split makes of dS is d dS + F^T dS + B, so the forward summaries d and F serve again:
1. `split_gradient_kernel`: each split's dS at its start for a zero dS at its end;
2. `split_scan_kernel` reversed: dS at every split's end;
3. `chunk_state_kernel` (forward_kernels.py) and `chunk_gradient_kernel`: S before and dS after
   every chunk;
4. `token_gradient_kernel` (token_gradients.py): every chunk on its own.
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
    store_state,
    token_places,
    view_base,
)
from bokehflow.kernels.chunk_math import (
    add_matmul,
    attention,
    chunk_system,
    matmul,
    operand,
    transposed,
)
from bokehflow.kernels.gate_kernel import load_gates, part_gates


@triton.jit
def _state_gradient_before(
    dS_t, queries, keys, dO, b, log_a, C: tl.constexpr, OPERANDS: tl.constexpr
):
    """dS before a chunk from dS after it, BV columns of both; states transposed."""
    _, T, _, grown, pairs, to_end, decay = chunk_system(keys, b, log_a, C, OPERANDS)
    minus_W_t = operand(matmul(tl.trans(keys), tl.trans(T * (-grown)[None, :]), OPERANDS), OPERANDS)
    P_t = operand(transposed(attention(queries, keys, pairs, OPERANDS), C, OPERANDS), OPERANDS)
    dU_t = matmul(dS_t, tl.trans(keys), OPERANDS) * to_end[None, :]
    dU_t = add_matmul(dU_t, tl.trans(dO), tl.trans(P_t), OPERANDS)
    dS_t = add_matmul(decay * dS_t, tl.trans(dO), queries * grown[:, None], OPERANDS)
    return add_matmul(dS_t, dU_t * b[None, :], tl.trans(minus_W_t), OPERANDS)


@triton.jit
def split_gradient_kernel(
    q, k, gates, grad_o, injections,
    shape, split_length,
    K: tl.constexpr, V: tl.constexpr, BK: tl.constexpr, BV: tl.constexpr,
    C: tl.constexpr, UNIT: tl.constexpr,
):  # fmt: skip
    """Write dS at one split's start when dS at its end is zero: injections [chains, splits,
    V, K], transposed.

    Program (chain, split, column block).
    """
    chain, split, column = tl.program_id(0), tl.program_id(1), tl.program_id(2) * BV
    place = chain_place(chain, shape)
    q_base, k_base = view_base(q, place, UNIT), view_base(k, place, UNIT)
    do_base = view_base(grad_o, place, UNIT)
    start = split * split_length
    stop = min(start + split_length, shape[2])
    first_chunk, last_chunk = chunk_numbers(chain, start, stop, shape, C)

    OPERANDS: tl.constexpr = k[0].dtype.element_ty
    dS_t = tl.zeros([BV, BK], tl.float32)
    ahead = load_gates(gates, last_chunk, C)
    for back in range(last_chunk - first_chunk + 1):
        chunk = last_chunk - back
        first = start + (chunk - first_chunk) * C
        places, valid = token_places(first, stop, place, shape, C)
        queries = load_rows(q_base, q, places, valid, 0, K, BK, UNIT)
        keys = load_rows(k_base, k, places, valid, 0, K, BK, UNIT)
        dO = load_rows(do_base, grad_o, places, valid, column, V, BV, UNIT)
        log_a, b = part_gates(ahead)
        ahead = load_gates(gates, max(chunk - 1, first_chunk), C)
        dS_t = _state_gradient_before(dS_t, queries, keys, dO, b, log_a, C, OPERANDS)

    store_state(injections, chain * tl.num_programs(1) + split, column, 0, dS_t, V, K, BV, BK)


@triton.jit
def chunk_gradient_kernel(
    q, k, gates, grad_o, end_gradients, chunk_gradients, grad_initial,
    shape, split_length,
    K: tl.constexpr, V: tl.constexpr, BK: tl.constexpr, BV: tl.constexpr,
    C: tl.constexpr, UNIT: tl.constexpr,
):  # fmt: skip
    """Write dS after every chunk of one split; split 0 also writes the initial state's gradient.

    Program (chain, split, column block). end_gradients [chains, splits, K, V], chunk_gradients
    [chains, chunks, V, K] transposed, grad_initial [chains, K, V].
    """
    chain, split, column = tl.program_id(0), tl.program_id(1), tl.program_id(2) * BV
    place = chain_place(chain, shape)
    q_base, k_base = view_base(q, place, UNIT), view_base(k, place, UNIT)
    do_base = view_base(grad_o, place, UNIT)
    start = split * split_length
    stop = min(start + split_length, shape[2])
    first_chunk, last_chunk = chunk_numbers(chain, start, stop, shape, C)

    OPERANDS: tl.constexpr = k[0].dtype.element_ty
    dS = load_state(end_gradients, chain * tl.num_programs(1) + split, 0, column, K, V, BK, BV)
    dS_t = tl.trans(dS)
    ahead = load_gates(gates, last_chunk, C)
    for back in range(last_chunk - first_chunk + 1):
        chunk = last_chunk - back
        store_state(chunk_gradients, chunk, column, 0, dS_t, V, K, BV, BK)
        first = start + (chunk - first_chunk) * C
        places, valid = token_places(first, stop, place, shape, C)
        queries = load_rows(q_base, q, places, valid, 0, K, BK, UNIT)
        keys = load_rows(k_base, k, places, valid, 0, K, BK, UNIT)
        dO = load_rows(do_base, grad_o, places, valid, column, V, BV, UNIT)
        log_a, b = part_gates(ahead)
        ahead = load_gates(gates, max(chunk - 1, first_chunk), C)
        dS_t = _state_gradient_before(dS_t, queries, keys, dO, b, log_a, C, OPERANDS)

    if split == 0:
        store_state(grad_initial, chain, 0, column, tl.trans(dS_t), K, V, BK, BV)
