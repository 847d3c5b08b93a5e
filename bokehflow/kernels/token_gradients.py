"""The gradients of one chunk's tokens, from the state before it and the state's gradient after it.

Every chunk is on its own here. With S, dS1 and dO given and dU, dR, dE as in backward_kernels.py:
    dV = dE,   dA = -strict_lower(dR U^T),   dP = lower(dO U^T),   dbeta from R = D E and A = D N
    dQ = (dP * Gam) K + e^g dO S^T
    dK = (dP * Gam)^T Q + (dG + dG^T) K - e^g dE S^T + e^(g_C - g) U dS1^T,   dG = D dA * Gam
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
    token_places,
    view_base,
)
from bokehflow.kernels.chunk_math import attention, chunk_system, matmul, strictly_lower


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
def _through_columns(
    v, grad_o, grad_v, chunk_states, chunk_gradients, index,
    place, places, valid, keys, b, T, P, grown, to_end,
    K: tl.constexpr, V: tl.constexpr, BK: tl.constexpr, BV: tl.constexpr,
    C: tl.constexpr, UNIT: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Write dV, and sum over the state's columns what everything else needs:
    dR U^T and dO U^T [C, C], dO S^T, dE S^T and U dS^T [C, BK], dR.E [C] and S.dS [BK]."""
    v_base, do_base = view_base(v, place, UNIT), view_base(grad_o, place, UNIT)
    dv_base = view_base(grad_v, place, UNIT)
    dR_U = tl.zeros([C, C], tl.float32)
    dO_U = tl.zeros([C, C], tl.float32)
    dO_S = tl.zeros([C, BK], tl.float32)
    dE_S = tl.zeros([C, BK], tl.float32)
    U_dS = tl.zeros([C, BK], tl.float32)
    dR_E = tl.zeros([C], tl.float32)
    S_dS = tl.zeros([BK], tl.float32)
    for column in range(0, V, BV):
        values = load_rows(v_base, v, places, valid, column, V, BV, UNIT)
        dO = load_rows(do_base, grad_o, places, valid, column, V, BV, UNIT)
        S = load_state(chunk_states, index, column, K, V, BK, BV)
        dS = load_state(chunk_gradients, index, column, K, V, BK, BV)
        S_dS += tl.sum(S * dS, 1)
        E = values - grown[:, None] * matmul(keys, S, PRECISION)
        U = matmul(T, b[:, None] * E, PRECISION)
        dU = matmul(tl.trans(P), dO, PRECISION) + to_end[:, None] * matmul(keys, dS, PRECISION)
        dR = matmul(tl.trans(T), dU, PRECISION)
        dE = b[:, None] * dR
        store_rows(dv_base, grad_v, places, valid, column, dE, V, BV, UNIT)
        dR_E += tl.sum(dR * E, 1)
        dR_U += matmul(dR, tl.trans(U), PRECISION)
        dO_U += matmul(dO, tl.trans(U), PRECISION)
        dO_S += matmul(dO, tl.trans(S), PRECISION)
        dE_S += matmul(dE, tl.trans(S), PRECISION)
        U_dS += matmul(U, tl.trans(dS), PRECISION)
    return dR_U, dO_U, dO_S, dE_S, U_dS, dR_E, S_dS


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

    dR_U, dO_U, dO_S, dE_S, U_dS, dR_E, S_dS = _through_columns(
        v, grad_o, grad_v, chunk_states, chunk_gradients, index,
        place, places, valid, keys, b, T, P, grown, to_end,
        K, V, BK, BV, C, UNIT, PRECISION,
    )  # fmt: skip
    dA = -tl.where(strictly_lower(C), dR_U, 0.0)
    db = dR_E + tl.sum(dA * N, 1)
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
    through_end, through_all = tl.sum(U_dS * keys, 1), decay * tl.sum(S_dS, 0)
    d_log_a = _log_decay_gradient(through_start, through_pairs, through_end, through_all, C)
    store_gate(view_base(grad_log_decay, place, 1), grad_log_decay, places, valid, d_log_a)
