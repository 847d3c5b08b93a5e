"""The short fp32 scan over splits that turns their summaries into the states at their borders."""

# Triton's language is compiled, not run: Python's types say nothing about it.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _load_step(
    transitions, injections, index, column,
    K: tl.constexpr, V: tl.constexpr, BK: tl.constexpr, REVERSED: tl.constexpr,
):  # fmt: skip
    """One split's M [BK, BK], transposed when REVERSED, and column of B [BK]."""
    rows, cols = tl.arange(0, BK)[:, None], tl.arange(0, BK)[None, :]
    mask = (rows < K) & (cols < K)
    place = cols * K + rows if REVERSED else rows * K + cols
    wide = index.to(tl.int64)
    M = tl.load(transitions + wide * (K * K) + place, mask=mask, other=0.0)
    channels = tl.arange(0, BK)
    pointers = injections + wide * (K * V) + channels * V + column
    return M, tl.load(pointers, mask=channels < K, other=0.0)


@triton.jit
def _split_at(step, splits, REVERSED: tl.constexpr):
    """The split that a step of the walk comes to; the last one for steps beyond it."""
    step = min(step, splits - 1)
    return splits - 1 - step if REVERSED else step


@triton.jit
def _load_four(
    transitions, injections, first, step, splits, column,
    K: tl.constexpr, V: tl.constexpr, BK: tl.constexpr, REVERSED: tl.constexpr,
):  # fmt: skip
    """What `_load_step` reads, of four steps."""
    i0 = first + _split_at(step, splits, REVERSED)
    i1 = first + _split_at(step + 1, splits, REVERSED)
    i2 = first + _split_at(step + 2, splits, REVERSED)
    i3 = first + _split_at(step + 3, splits, REVERSED)
    M0, B0 = _load_step(transitions, injections, i0, column, K, V, BK, REVERSED)
    M1, B1 = _load_step(transitions, injections, i1, column, K, V, BK, REVERSED)
    M2, B2 = _load_step(transitions, injections, i2, column, K, V, BK, REVERSED)
    M3, B3 = _load_step(transitions, injections, i3, column, K, V, BK, REVERSED)
    return M0, B0, M1, B1, M2, B2, M3, B3


@triton.jit
def _store_border(
    boundaries, index, at_column, inside, state, K: tl.constexpr, V: tl.constexpr
):  # fmt: skip
    tl.store(boundaries + index.to(tl.int64) * (K * V) + at_column, state, mask=inside)


@triton.jit
def split_scan_kernel(
    transitions, injections, entry, boundaries, splits,
    K: tl.constexpr, V: tl.constexpr, BK: tl.constexpr, REVERSED: tl.constexpr,
):  # fmt: skip
    """Write the state with which every split of one chain begins, or the gradient at its end.

    transitions M [chains, splits, K, K]; injections B, boundaries [chains, splits, K, V]; entry
    [chains, K, V]; all contiguous fp32. Forward: boundary_0 = entry, boundary_{i+1} =
    M_i boundary_i + B_i. REVERSED: boundary_{n-1} = entry, boundary_{i-1} = M_i^T boundary_i + B_i.
    Program (chain, column of the state): columns never mix, and the walk waits for its slowest
    step, so a product of M with one column by plain fp32 arithmetic beats a matrix product.
    """
    chain, column = tl.program_id(0), tl.program_id(1)
    channels = tl.arange(0, BK)
    inside = channels < K
    at_column = channels * V + column
    first = chain * splits
    # A step is much shorter than a fetch: four are fetched at once, and four ahead.
    ahead = _load_four(transitions, injections, first, 0, splits, column, K, V, BK, REVERSED)
    state = tl.load(entry + chain.to(tl.int64) * (K * V) + at_column, mask=inside, other=0.0)
    for step in range(0, splits, 4):
        M0, B0, M1, B1, M2, B2, M3, B3 = ahead
        ahead = _load_four(
            transitions, injections, first, step + 4, splits, column, K, V, BK, REVERSED
        )
        i0 = first + _split_at(step, splits, REVERSED)
        i1 = first + _split_at(step + 1, splits, REVERSED)
        i2 = first + _split_at(step + 2, splits, REVERSED)
        i3 = first + _split_at(step + 3, splits, REVERSED)
        # Past the last split a step is repeated: its state is stored again, and then not used.
        _store_border(boundaries, i0, at_column, inside, state, K, V)
        state1 = tl.sum(M0 * state[None, :], 1) + B0
        state = tl.where(step + 1 < splits, state1, state)
        _store_border(boundaries, i1, at_column, inside, state, K, V)
        state2 = tl.sum(M1 * state[None, :], 1) + B1
        state = tl.where(step + 2 < splits, state2, state)
        _store_border(boundaries, i2, at_column, inside, state, K, V)
        state3 = tl.sum(M2 * state[None, :], 1) + B2
        state = tl.where(step + 3 < splits, state3, state)
        _store_border(boundaries, i3, at_column, inside, state, K, V)
        state = tl.sum(M3 * state[None, :], 1) + B3
