"""The gradients of one chunk's tokens, from the state before it and the state's gradient after it.

Every chunk is on its own here. With S, dS1 and dO given, dU and dX as in backward_kernels.py and
X = T E, E = V - e^g K S:
    dE = T^T dX = dV,   dN = -strict_lower(dE U^T),   dP = lower(dO U^T)
    dbeta = rows of X . (dU - N^T dE)
    dQ = (dP * Gam) K + e^g dO S^T
    dK = (dP * Gam)^T Q + (dG + dG^T) K - e^g dE S^T + e^(g_C - g) U dS1^T,   dG = dN * Gam
"""

# Triton's language is compiled, not run: Python's types say nothing about it.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl

from bokehflow.kernels.addressing import (
    chain_place,
    load_rows,
    load_state,
    store_gate,
    store_rows,
    token_places,
    view_base,
)
from bokehflow.kernels.chunk_math import (
    add_matmul,
    attention,
    chunk_system,
    matmul,
    strictly_lower,
    transposed,
)
from bokehflow.kernels.gate_kernel import load_gates, part_gates


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
    place, places, valid, keys, b, T, T_t, P_t, grown, to_end,
    K: tl.constexpr, V: tl.constexpr, BK: tl.constexpr, BV: tl.constexpr,
    C: tl.constexpr, UNIT: tl.constexpr, OPERANDS: tl.constexpr,
):  # fmt: skip
    """Write dV, and sum over the state's columns what everything else needs:
    dE X^T and dO X^T [C, C], dO S^T, dE S^T and U dS^T [C, BK], dU.X [C] and S.dS [BK]."""
    v_base, do_base = view_base(v, place, UNIT), view_base(grad_o, place, UNIT)
    dv_base = view_base(grad_v, place, UNIT)
    dE_X = tl.zeros([C, C], tl.float32)
    dO_X = tl.zeros([C, C], tl.float32)
    dO_S = tl.zeros([C, BK], tl.float32)
    dE_S = tl.zeros([C, BK], tl.float32)
    U_dS = tl.zeros([C, BK], tl.float32)
    dU_X = tl.zeros([C], tl.float32)
    S_dS = tl.zeros([BK], tl.float32)
    for column in range(0, V, BV):
        values = load_rows(v_base, v, places, valid, column, V, BV, UNIT)
        dO = load_rows(do_base, grad_o, places, valid, column, V, BV, UNIT)
        S_t = load_state(chunk_states, index, column, 0, V, K, BV, BK)
        dS_t = load_state(chunk_gradients, index, column, 0, V, K, BV, BK)
        S_dS += tl.sum(S_t * dS_t, 0)
        E_t = tl.trans(values) - matmul(S_t, tl.trans(keys), OPERANDS) * grown[None, :]
        X, X_t = matmul(T, tl.trans(E_t), OPERANDS), matmul(E_t, tl.trans(T), OPERANDS)
        dU_t = matmul(dS_t, tl.trans(keys), OPERANDS) * to_end[None, :]
        dU_t = add_matmul(dU_t, tl.trans(dO), tl.trans(P_t), OPERANDS)
        dE = matmul(T_t, tl.trans(dU_t * b[None, :]), OPERANDS)
        store_rows(dv_base, grad_v, places, valid, column, dE, V, BV, UNIT)
        dU_X += tl.sum(dU_t * X_t, 0)
        dE_X = add_matmul(dE_X, dE, tl.trans(X), OPERANDS)
        dO_X = add_matmul(dO_X, dO, tl.trans(X), OPERANDS)
        dO_S = add_matmul(dO_S, dO, S_t, OPERANDS)
        dE_S = add_matmul(dE_S, dE, S_t, OPERANDS)
        U_dS = add_matmul(U_dS, X * b[:, None], dS_t, OPERANDS)
    return dE_X, dO_X, dO_S, dE_S, U_dS, dU_X, S_dS


@triton.jit
def token_gradient_kernel(
    q, k, v, gates, grad_o, chunk_states, chunk_gradients,
    grad_q, grad_k, grad_v, grad_log_decay, grad_beta,
    shape,
    K: tl.constexpr, V: tl.constexpr, BK: tl.constexpr, BV: tl.constexpr,
    C: tl.constexpr, UNIT: tl.constexpr,
):  # fmt: skip
    """Write the gradients of one chunk's tokens. Program (chain, chunk).

    chunk_states (S before) and chunk_gradients (dS after) [chains, chunks, V, K], transposed.
    """
    chain, chunk = tl.program_id(0), tl.program_id(1)
    index = chain * tl.num_programs(1) + chunk
    place = chain_place(chain, shape)
    places, valid = token_places(chunk * C, shape[2], place, shape, C)
    queries = load_rows(view_base(q, place, UNIT), q, places, valid, 0, K, BK, UNIT)
    keys = load_rows(view_base(k, place, UNIT), k, places, valid, 0, K, BK, UNIT)
    log_a, b = part_gates(load_gates(gates, index, C))
    OPERANDS: tl.constexpr = k[0].dtype.element_ty
    N, T, T_t, grown, pairs, to_end, decay = chunk_system(keys, b, log_a, C, OPERANDS)
    P = attention(queries, keys, pairs, OPERANDS)

    dE_X, dO_X, dO_S, dE_S, U_dS, dU_X, S_dS = _through_columns(
        v, grad_o, grad_v, chunk_states, chunk_gradients, index,
        place, places, valid, keys, b, T, T_t, transposed(P, C, OPERANDS), grown, to_end,
        K, V, BK, BV, C, UNIT, OPERANDS,
    )  # fmt: skip
    dE_X = tl.where(strictly_lower(C), dE_X, 0.0)
    db = dU_X - tl.sum(N * dE_X, 0)
    store_gate(view_base(grad_beta, place, 1), grad_beta, places, valid, db)
    dN, dO_U = -dE_X * b[None, :], dO_X * b[None, :]
    dO_S, dE_S = grown[:, None] * dO_S, grown[:, None] * dE_S
    U_dS = to_end[:, None] * U_dS

    dQK, dG = dO_U * pairs, dN * pairs
    dq = add_matmul(dO_S, dQK, keys, OPERANDS)
    store_rows(view_base(grad_q, place, UNIT), grad_q, places, valid, 0, dq, K, BK, UNIT)
    dk = add_matmul(U_dS - dE_S, transposed(dQK, C, OPERANDS), queries, OPERANDS)
    dk = add_matmul(dk, dG, keys, OPERANDS)
    dk = add_matmul(dk, transposed(dG, C, OPERANDS), keys, OPERANDS)
    store_rows(view_base(grad_k, place, UNIT), grad_k, places, valid, 0, dk, K, BK, UNIT)

    through_pairs = dN * N + tl.where(strictly_lower(C), dO_U * P, 0.0)
    through_start = tl.sum(dO_S * queries - dE_S * keys, 1)
    through_end, through_all = tl.sum(U_dS * keys, 1), decay * tl.sum(S_dS, 0)
    d_log_a = _log_decay_gradient(through_start, through_pairs, through_end, through_all, C)
    store_gate(view_base(grad_log_decay, place, 1), grad_log_decay, places, valid, d_log_a)
