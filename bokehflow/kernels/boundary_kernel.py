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
    state = tl.load(entry + chain.to(tl.int64) * (K * V) + at_column, mask=inside, other=0.0)
    last = splits - 1
    first = chain * splits + (last if REVERSED else 0)
    M, B = _load_step(transitions, injections, first, column, K, V, BK, REVERSED)
    for step in range(splits):
        index = chain * splits + (last - step if REVERSED else step)
        tl.store(boundaries + index.to(tl.int64) * (K * V) + at_column, state, mask=inside)
        # The next step's matrix is on its way while this one is used.
        ahead = chain * splits + (max(last - step - 1, 0) if REVERSED else min(step + 1, last))
        M_ahead, B_ahead = _load_step(transitions, injections, ahead, column, K, V, BK, REVERSED)
        state = tl.sum(M * state[None, :], 1) + B
        M, B = M_ahead, B_ahead
