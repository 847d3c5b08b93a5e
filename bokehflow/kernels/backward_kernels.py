"""Backward walks: how the gradient of the state goes back through a split's chunks.

With dO given and dS1 the gradient of the state after a chunk (no W anywhere):
    dU = P^T dO + (e^(g_C - g) K) dS1,   dR = T^T dU,   dE = D dR  (= dV)
    dS0 = e^(g_C) dS1 + (e^g Q)^T dO - (e^g K)^T dE
Its transitions are the forward ones transposed, so the forward summaries M serve again:
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
    load_gate,
    load_rows,
    load_state,
    store_state,
    token_places,
    view_base,
)
from bokehflow.kernels.chunk_math import attention, chunk_system, matmul


@triton.jit
def _state_gradient_before(
    dS, queries, keys, dO, b, log_a, C: tl.constexpr, PRECISION: tl.constexpr
):
    """dS before a chunk from dS after it, BV columns of both."""
    _, T, grown, pairs, to_end, decay = chunk_system(keys, b, log_a, C, PRECISION)
    P, _ = attention(queries, keys, pairs, C, PRECISION)
    dU = matmul(tl.trans(P), dO, PRECISION) + to_end[:, None] * matmul(keys, dS, PRECISION)
    dE = b[:, None] * matmul(tl.trans(T), dU, PRECISION)
    dS = decay * dS + matmul(tl.trans(queries * grown[:, None]), dO, PRECISION)
    return dS - matmul(tl.trans(keys * grown[:, None]), dE, PRECISION)


@triton.jit
def split_gradient_kernel(
    q, k, log_decay, beta, grad_o, injections,
    shape, split_length,
    K: tl.constexpr, V: tl.constexpr, BK: tl.constexpr, BV: tl.constexpr,
    C: tl.constexpr, UNIT: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write dS at one split's start when dS at its end is zero: injections [chains, splits, K, V].

    Program (chain, split, column block).
    """
    chain, split, column = tl.program_id(0), tl.program_id(1), tl.program_id(2) * BV
    place = chain_place(chain, shape)
    q_base, k_base = view_base(q, place, UNIT), view_base(k, place, UNIT)
    do_base = view_base(grad_o, place, UNIT)
    decay_base, beta_base = view_base(log_decay, place, 1), view_base(beta, place, 1)
    start = split * split_length
    stop = min(start + split_length, shape[2])
    chunks = tl.cdiv(stop - start, C)

    dS = tl.zeros([BK, BV], tl.float32)
    for back in range(chunks):
        first = start + (chunks - 1 - back) * C
        places, valid = token_places(first, stop, place, shape, C)
        queries = load_rows(q_base, q, places, valid, 0, K, BK, UNIT)
        keys = load_rows(k_base, k, places, valid, 0, K, BK, UNIT)
        dO = load_rows(do_base, grad_o, places, valid, column, V, BV, UNIT)
        b = load_gate(beta_base, beta, places, valid)
        log_a = load_gate(decay_base, log_decay, places, valid)
        dS = _state_gradient_before(dS, queries, keys, dO, b, log_a, C, PRECISION)

    store_state(injections, chain * tl.num_programs(1) + split, column, dS, K, V, BK, BV)


@triton.jit
def chunk_gradient_kernel(
    q, k, log_decay, beta, grad_o, end_gradients, chunk_gradients, grad_initial,
    shape, split_length,
    K: tl.constexpr, V: tl.constexpr, BK: tl.constexpr, BV: tl.constexpr,
    C: tl.constexpr, UNIT: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write dS after every chunk of one split; split 0 also writes the initial state's gradient.

    Program (chain, split, column block). end_gradients [chains, splits, K, V], chunk_gradients
    [chains, chunks, K, V], grad_initial [chains, K, V].
    """
    chain, split, column = tl.program_id(0), tl.program_id(1), tl.program_id(2) * BV
    place = chain_place(chain, shape)
    q_base, k_base = view_base(q, place, UNIT), view_base(k, place, UNIT)
    do_base = view_base(grad_o, place, UNIT)
    decay_base, beta_base = view_base(log_decay, place, 1), view_base(beta, place, 1)
    start = split * split_length
    stop = min(start + split_length, shape[2])
    chunks = tl.cdiv(stop - start, C)
    first_chunk = chain * tl.cdiv(shape[2], C) + start // C

    dS = load_state(end_gradients, chain * tl.num_programs(1) + split, column, K, V, BK, BV)
    for back in range(chunks):
        chunk = chunks - 1 - back
        store_state(chunk_gradients, first_chunk + chunk, column, dS, K, V, BK, BV)
        places, valid = token_places(start + chunk * C, stop, place, shape, C)
        queries = load_rows(q_base, q, places, valid, 0, K, BK, UNIT)
        keys = load_rows(k_base, k, places, valid, 0, K, BK, UNIT)
        dO = load_rows(do_base, grad_o, places, valid, column, V, BV, UNIT)
        b = load_gate(beta_base, beta, places, valid)
        log_a = load_gate(decay_base, log_decay, places, valid)
        dS = _state_gradient_before(dS, queries, keys, dO, b, log_a, C, PRECISION)

    if split == 0:
        store_state(grad_initial, chain, column, dS, K, V, BK, BV)
