"""The recurrence and its gradient over whole chains of tokens, compiled for the CPU.

A state is noted every BLOCK tokens; on the way back the states inside a block are computed again
from the one at its start.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numba
import numpy as np

from bokehflow.kernels.checks import DIRECTION_COUNT
from bokehflow.kernels.cpu_token import token_steps

BLOCK = 16
"""Tokens between two noted states: 16 states of 16x16 floats take half of an L1 cache."""

COMPILE_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}


class Recurrence(NamedTuple):
    """Compiled functions over the chains low..high-1; see their docstrings. All arrays are flat.

    inputs: q, k, v, decay, beta, and the epsilon of normalised keys. order: `walking_order`.
    layout: heads, segments, and how far apart two tokens lie in q, in k and in v.
    """

    forward: Callable[..., None]
    backward: Callable[..., None]


@cache
def compile_recurrence(key_size: int, value_size: int, normalised: bool) -> Recurrence:
    """Compile for one pair of head sizes: some seconds on first use in a process."""
    return Recurrence(
        _compile_forward(key_size, value_size, normalised),
        _compile_backward(key_size, value_size, normalised),
    )


@numba.njit(inline="always", **COMPILE_OPTIONS)
def find_chain(chain, heads, segments, tokens):  # type: ignore[no-untyped-def]
    """Where a chain's tokens lie. Chains count batch, segment, direction, head.

    Returns its first place in the walking orders, the number of its map's first token, and its
    place among the 4 x heads of a token.
    """
    direction = (chain // heads) % DIRECTION_COUNT
    segment = (chain // (DIRECTION_COUNT * heads)) % segments
    batch = chain // (DIRECTION_COUNT * heads * segments)
    first = direction * tokens + segment * (tokens // segments)
    return first, batch * tokens, direction * heads + chain % heads


def _compile_places(key_size: int, value_size: int) -> Any:
    @numba.njit(inline="always", **COMPILE_OPTIONS)
    def places(token, place, heads, strides, is_kept):  # type: ignore[no-untyped-def]
        """`cpu_token.PLACES` of a token."""
        row = token * DIRECTION_COUNT * heads + place
        return (
            token * strides[0] + place * key_size,
            token * strides[1] + place * key_size,
            token * strides[2] + place * value_size,
            row,
            row * value_size * is_kept,
        )

    return places


def _compile_forward(key_size: int, value_size: int, normalised: bool) -> Any:
    step_forward = token_steps(key_size, value_size, normalised).forward
    places = _compile_places(key_size, value_size)
    size = key_size * value_size

    @numba.njit(**COMPILE_OPTIONS)
    def forward(inputs, states, made, notes, low, high, order, layout):  # type: ignore[no-untyped-def]
        """Turn states from initial into final ones and write r and o.

        notes receives the state at every block's start; where it is empty, r is not kept either.
        """
        heads, segments, strides = layout
        tokens = len(order) // DIRECTION_COUNT
        length = tokens // segments
        blocks = (length + BLOCK - 1) // BLOCK
        is_kept = min(len(notes), 1)
        S = np.empty(size, states.dtype)
        r, o = made
        if not is_kept:
            r = np.empty(value_size, states.dtype)
        results = (r, o)
        for chain in range(low, high):
            first, base, place = find_chain(chain, heads, segments, tokens)
            S[:] = states[chain * size : (chain + 1) * size]
            for step in range(length):
                if is_kept and step % BLOCK == 0:
                    at = (chain * blocks + step // BLOCK) * size
                    notes[at : at + size] = S
                token = base + order[first + step]
                there = places(token, place, heads, strides, is_kept)
                step_forward(S, inputs, results, there)
            states[chain * size : (chain + 1) * size] = S

    return forward


def _compile_backward(key_size: int, value_size: int, normalised: bool) -> Any:
    steps = token_steps(key_size, value_size, normalised)
    fetch, replay, step_back = steps.fetch, steps.replay, steps.backward
    places = _compile_places(key_size, value_size)
    size = key_size * value_size

    @numba.njit(**COMPILE_OPTIONS)
    def backward(inputs, given, notes, grad_states, grads, low, high, order, layout):  # type: ignore[no-untyped-def]
        """Turn grad_states from the gradient of final states into that of initial ones, and write
        the inputs' gradients. given: r and the gradient of o."""
        heads, segments, strides = layout
        tokens = len(order) // DIRECTION_COUNT
        length = tokens // segments
        blocks = (length + BLOCK - 1) // BLOCK
        dtype = grad_states.dtype
        S_t = np.empty((BLOCK + 1) * size, dtype)
        for chain in range(low, high):
            first, base, place = find_chain(chain, heads, segments, tokens)
            D = grad_states[chain * size : (chain + 1) * size]
            D_t = D.reshape(key_size, value_size).T.copy().reshape(size)
            kept = (D, D_t, S_t)
            for block in range(blocks - 1, -1, -1):
                start = first + block * BLOCK
                count = min(BLOCK, length - block * BLOCK)
                at = (chain * blocks + block) * size
                note = notes[at : at + size].reshape(key_size, value_size)
                S_t[:size] = note.T.copy().reshape(size)
                for n in range(count):
                    # A block before its turn: no processor foresees the strides of columns.
                    token = base + order[max(start + n - BLOCK, first)]
                    fetch(inputs, given, places(token, place, heads, strides, 1))
                    there = places(base + order[start + n], place, heads, strides, 1)
                    replay(S_t, n, inputs, given[0], there)
                for n in range(count - 1, -1, -1):
                    there = places(base + order[start + n], place, heads, strides, 1)
                    step_back(kept, n, inputs, given, grads, there)

    return backward
