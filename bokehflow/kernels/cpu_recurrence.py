"""The recurrence and its gradient, one token at a time, compiled for the CPU.

Forward, with S [K, V] before the token, a its decay and b its beta:
    r = S^T k,   u = b (v - a r),   S' = a S + k u^T,   o = S'^T q
Backward, with dS' the gradient of everything after the token:
    dS' += q do^T,   du = dS'^T k,   dr = -a b du
    dq = a S do + k (u.do),   dk = dS' u + S dr,   dv = b du
    da = <dS', S> - b du.r,   db = du.(v - a r),   dS = a dS' + k dr^T
The states inside a block of tokens are recomputed from the state noted at its start. Products
from the left and from the right both occur: S and dS' are kept both ways round, since a second
update costs less than horizontal sums.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numba
import numpy as np

from bokehflow.kernels.cpu_matrix import COMPILE_OPTIONS, compile_matrix_steps

BLOCK = 16
"""Tokens between two noted states: 16 states of 16x16 floats take a third of an L1 cache."""


class Recurrence(NamedTuple):
    """Compiled functions over the chains low..high-1; see their docstrings."""

    forward: Callable[..., None]
    backward: Callable[..., None]


@numba.njit(inline="always", **COMPILE_OPTIONS)
def chain_rows(chain, heads, segments, tokens):  # type: ignore[no-untyped-def]
    """Where a chain lies in tensors [B, T, 4, H, D] seen as [B T 4 H, D].

    Chains count batch, segment, direction, head. Returns its direction, its first place in that
    direction's walking order, and its offset: the row of a token t is t * 4 * heads + offset.
    """
    direction = (chain // heads) % 4
    segment = (chain // (4 * heads)) % segments
    batch = chain // (4 * heads * segments)
    offset = (batch * tokens * 4 + direction) * heads + chain % heads
    return direction, segment * (tokens // segments), offset


@cache
def compile_recurrence(key_size: int, value_size: int) -> Recurrence:
    """Compile for one pair of head sizes: about three seconds on first use in a process."""
    return Recurrence(
        _compile_forward(key_size, value_size), _compile_backward(key_size, value_size)
    )


def _compile_forward(key_size: int, value_size: int) -> Any:
    steps = compile_matrix_steps(key_size, value_size)
    mix, update, copy = steps.mix, steps.update, steps.copy
    size = key_size * value_size

    @numba.njit(**COMPILE_OPTIONS)
    def forward(q, k, v, decay, beta, states, o, notes, low, high, order, shape):  # type: ignore[no-untyped-def]
        """Write o and turn states [chains, K V] from initial into final ones.

        notes [chains, blocks, K V] receives the state at every block's start, unless it is empty.
        """
        heads, segments = shape
        tokens = order.shape[1]
        S = np.empty(size, v.dtype)
        key, query = np.empty(key_size, v.dtype), np.empty(key_size, v.dtype)
        u, output = np.empty(value_size, v.dtype), np.empty(value_size, v.dtype)
        for chain in range(low, high):
            direction, first, offset = chain_rows(chain, heads, segments, tokens)
            S[:] = states[chain]
            for step in range(tokens // segments):
                if notes.size and step % BLOCK == 0:
                    copy(S, notes[chain, step // BLOCK])
                row = order[direction, first + step] * 4 * heads + offset
                for i in range(key_size):
                    key[i] = k[row, i]
                    query[i] = q[row, i]
                mix(S, key, u)
                for j in range(value_size):
                    u[j] = beta[row] * (v[row, j] - decay[row] * u[j])
                update(S, decay[row], key, u)
                mix(S, query, output)
                for j in range(value_size):
                    o[row, j] = output[j]
            states[chain] = S

    return forward


def _compile_backward(key_size: int, value_size: int) -> Any:
    recompute = _compile_recompute(key_size, value_size)
    walk_back = _compile_walk_back(key_size, value_size)
    size = key_size * value_size

    @numba.njit(**COMPILE_OPTIONS)
    def backward(inputs, grad_o, notes, grad_states, grads, low, high, order, shape):  # type: ignore[no-untyped-def]
        """Write the gradients of q, k, v, decay and beta, and turn grad_states [chains, K V]
        from the final states' gradient into the initial ones'."""
        heads, segments = shape
        tokens = order.shape[1]
        length = tokens // segments
        dtype = notes.dtype
        states_t = np.empty((BLOCK, size), dtype)
        recalled, written = np.empty((2, BLOCK, value_size), dtype)
        for chain in range(low, high):
            direction, start, offset = chain_rows(chain, heads, segments, tokens)
            rows = order[direction, start : start + length]
            D = grad_states[chain]
            D_t = D.reshape(key_size, value_size).T.copy().reshape(size)
            for block in range((length - 1) // BLOCK, -1, -1):
                first = block * BLOCK
                span = (rows[first : first + BLOCK], 4 * heads, offset)
                kept = (states_t, recalled, written)
                recompute(inputs, notes[chain, block], kept, span)
                walk_back(inputs, grad_o, kept, D, D_t, grads, span)

    return backward


def _compile_recompute(key_size: int, value_size: int) -> Any:
    steps = compile_matrix_steps(key_size, value_size)
    steps_t = compile_matrix_steps(value_size, key_size)
    mix, update, update_t, copy = steps.mix, steps.update, steps_t.update, steps.copy
    size = key_size * value_size

    @numba.njit(**COMPILE_OPTIONS)
    def recompute(inputs, note, kept, span):  # type: ignore[no-untyped-def]
        """Fill `kept` for every token of a block: S^T before it, r and u."""
        _, k, v, decay, beta = inputs
        states_t, recalled, written = kept
        places, stride, offset = span
        S = note.copy()
        S_t = S.reshape(key_size, value_size).T.copy().reshape(size)
        key = np.empty(key_size, S.dtype)
        r, u = np.empty(value_size, S.dtype), np.empty(value_size, S.dtype)
        for n in range(len(places)):
            copy(S_t, states_t[n])
            row = places[n] * stride + offset
            for i in range(key_size):
                key[i] = k[row, i]
            mix(S, key, r)
            for j in range(value_size):
                u[j] = beta[row] * (v[row, j] - decay[row] * r[j])
                recalled[n, j] = r[j]
                written[n, j] = u[j]
            update(S, decay[row], key, u)
            update_t(S_t, decay[row], u, key)

    return recompute


def _compile_walk_back(key_size: int, value_size: int) -> Any:
    steps = compile_matrix_steps(key_size, value_size)
    steps_t = compile_matrix_steps(value_size, key_size)
    mix, update = steps.mix, steps.update
    mix_t, mix_two_t, update_t, product = (
        steps_t.mix,
        steps_t.mix_two,
        steps_t.update,
        steps.product,
    )

    @numba.njit(**COMPILE_OPTIONS)
    def walk_back(inputs, grad_o, kept, D, D_t, grads, span):  # type: ignore[no-untyped-def]
        """Walk a block's tokens back, writing their gradients; D, D_t: dS, both ways round."""
        q, k, v, decay, beta = inputs
        dq, dk, dv, d_decay, d_beta = grads
        states_t, recalled, written = kept
        places, stride, offset = span
        dtype = D.dtype
        one, zero = dtype.type(1), dtype.type(0)
        key, query = np.empty(key_size, dtype), np.empty(key_size, dtype)
        S_dO, S_dr = np.empty(key_size, dtype), np.empty(key_size, dtype)
        D_u = np.empty(key_size, dtype)
        dO, u = np.empty(value_size, dtype), np.empty(value_size, dtype)
        dU, dr = np.empty(value_size, dtype), np.empty(value_size, dtype)
        for n in range(len(places) - 1, -1, -1):
            row = places[n] * stride + offset
            a, b, S_t = decay[row], beta[row], states_t[n]
            for i in range(key_size):
                key[i] = k[row, i]
                query[i] = q[row, i]
            for j in range(value_size):
                dO[j] = grad_o[row, j]
                u[j] = written[n, j]
            update(D, one, query, dO)
            update_t(D_t, one, dO, query)
            mix(D, key, dU)
            da, db, u_dO = product(D_t, S_t), zero, zero
            for j in range(value_size):
                dv[row, j] = b * dU[j]
                da -= b * dU[j] * recalled[n, j]
                db += dU[j] * (v[row, j] - a * recalled[n, j])
                dr[j] = -a * b * dU[j]
                u_dO += u[j] * dO[j]
            d_decay[row] = da
            d_beta[row] = db
            mix_two_t(S_t, dO, dr, S_dO, S_dr)
            mix_t(D_t, u, D_u)
            for i in range(key_size):
                dq[row, i] = a * S_dO[i] + u_dO * key[i]
                dk[row, i] = D_u[i] + S_dr[i]
            update(D, a, key, dr)
            update_t(D_t, a, dr, key)

    return walk_back
