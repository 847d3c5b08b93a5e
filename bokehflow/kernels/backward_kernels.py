"""Backward kernels: the walks of the state's gradient, and the gradients of one chunk.

With dO given and dS1 the gradient of the state after a chunk (no W anywhere):
    dU = P^T dO + (e^(g_C - g) K) dS1,   dR = T^T dU,   dE = D dR  (= dV)
    dS0 = e^(g_C) dS1 + (e^g Q)^T dO - (e^g K)^T dE
Its transitions are the forward ones transposed, so the forward summaries M serve again:
1. `split_gradient_kernel`: each split's dS at its start for a zero dS at its end;
2. `split_scan_kernel` reversed: dS at every split's end;
3. `chunk_state_kernel` and `chunk_gradient_kernel`: S before and dS after every chunk;
4. `token_gradient_kernel`: every chunk on its own, the gradients of its tokens.
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
    store_gate,
    store_rows,
    store_state,
    token_places,
    view_base,
)
from bokehflow.kernels.chunk_math import attention, chunk_system, matmul, strictly_lower


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


@triton.jit
def _log_decay_gradient(through_start, through_pairs, through_end, through_all, C: tl.constexpr):
    """From the gradients of decays to those of the log decays [C].

    The log decay of token r is part of g_t for t >= r (through_start [C]), of g_t - g_s for
    s < r <= t (through_pairs [C, C]), of g_C - g_s for s < r (through_end [C]) and of g_C
    (through_all). Only what takes part is added: a sum over all terms that cancels the rest would
    drown a gradient of 1e-12.
    """
    crossing = tl.cumsum(through_pairs, 0, reverse=True) + through_end[None, :]
    total = through_all + tl.cumsum(through_start, 0, reverse=True)
    return total + tl.sum(tl.where(strictly_lower(C), crossing, 0.0), 1)


@triton.jit
def token_gradient_kernel(
    q, k, v, log_decay, beta, grad_o, chunk_states, chunk_gradients,
    grad_q, grad_k, grad_v, grad_log_decay, grad_beta,
    shape,
    K: tl.constexpr, V: tl.constexpr, BK: tl.constexpr, BV: tl.constexpr,
    C: tl.constexpr, UNIT: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write the gradients of one chunk's tokens. Program (chain, chunk).

    chunk_states (S before) and chunk_gradients (dS after) [chains, chunks, K, V].
    """
    chain, chunk = tl.program_id(0), tl.program_id(1)
    index = chain * tl.num_programs(1) + chunk
    place = chain_place(chain, shape)
    places, valid = token_places(chunk * C, shape[2], place, shape, C)
    queries = load_rows(view_base(q, place, UNIT), q, places, valid, 0, K, BK, UNIT)
    keys = load_rows(view_base(k, place, UNIT), k, places, valid, 0, K, BK, UNIT)
    b = load_gate(view_base(beta, place, 1), beta, places, valid)
    log_a = load_gate(view_base(log_decay, place, 1), log_decay, places, valid)
    N, T, grown, pairs, to_end, decay = chunk_system(keys, b, log_a, C, PRECISION)
    P, pairs_and_self = attention(queries, keys, pairs, C, PRECISION)

    # Column blocks of the states: dV, and the sums over columns that everything else needs.
    v_base, do_base = view_base(v, place, UNIT), view_base(grad_o, place, UNIT)
    dv_base = view_base(grad_v, place, UNIT)
    dR_U = tl.zeros([C, C], tl.float32)
    dO_U = tl.zeros([C, C], tl.float32)
    dO_S = tl.zeros([C, BK], tl.float32)
    dE_S = tl.zeros([C, BK], tl.float32)
    U_dS = tl.zeros([C, BK], tl.float32)
    db = tl.zeros([C], tl.float32)
    d_decay = tl.zeros([BK], tl.float32)
    for column in range(0, V, BV):
        values = load_rows(v_base, v, places, valid, column, V, BV, UNIT)
        dO = load_rows(do_base, grad_o, places, valid, column, V, BV, UNIT)
        S = load_state(chunk_states, index, column, K, V, BK, BV)
        dS = load_state(chunk_gradients, index, column, K, V, BK, BV)
        d_decay += tl.sum(S * dS, 1)
        recalled = values - grown[:, None] * matmul(keys, S, PRECISION)
        U = matmul(T, b[:, None] * recalled, PRECISION)
        dU = matmul(tl.trans(P), dO, PRECISION) + to_end[:, None] * matmul(keys, dS, PRECISION)
        dR = matmul(tl.trans(T), dU, PRECISION)
        dE = b[:, None] * dR
        store_rows(dv_base, grad_v, places, valid, column, dE, V, BV, UNIT)
        db += tl.sum(dR * recalled, 1)
        dR_U += matmul(dR, tl.trans(U), PRECISION)
        dO_U += matmul(dO, tl.trans(U), PRECISION)
        dO_S += matmul(dO, tl.trans(S), PRECISION)
        dE_S += matmul(dE, tl.trans(S), PRECISION)
        U_dS += matmul(U, tl.trans(dS), PRECISION)

    dA = -tl.where(strictly_lower(C), dR_U, 0.0)
    db += tl.sum(dA * N, 1)
    store_gate(view_base(grad_beta, place, 1), grad_beta, places, valid, db)
    dN = b[:, None] * dA
    dO_S, dE_S = grown[:, None] * dO_S, grown[:, None] * dE_S
    U_dS = to_end[:, None] * U_dS

    dQK = dO_U * pairs_and_self
    dq = matmul(dQK, keys, PRECISION) + dO_S
    store_rows(view_base(grad_q, place, UNIT), grad_q, places, valid, 0, dq, K, BK, UNIT)
    dk = matmul(tl.trans(dQK), queries, PRECISION) + U_dS - dE_S
    dG = dN * pairs
    dk += matmul(dG + tl.trans(dG), keys, PRECISION)
    store_rows(view_base(grad_k, place, UNIT), grad_k, places, valid, 0, dk, K, BK, UNIT)

    through_pairs = dN * N + tl.where(strictly_lower(C), dO_U * P, 0.0)
    through_start = tl.sum(dO_S * queries - dE_S * keys, 1)
    through_end, through_all = tl.sum(U_dS * keys, 1), decay * tl.sum(d_decay, 0)
    d_log_a = _log_decay_gradient(through_start, through_pairs, through_end, through_all, C)
    store_gate(view_base(grad_log_decay, place, 1), grad_log_decay, places, valid, d_log_a)
