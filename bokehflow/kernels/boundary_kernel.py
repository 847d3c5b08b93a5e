"""The short fp32 scan over splits that turns their summaries into the states at their borders."""

# Triton's language is compiled, not run: Python's types say nothing about it.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl

from bokehflow.kernels.addressing import load_state, store_state
from bokehflow.kernels.chunk_math import matmul


@triton.jit
def split_scan_kernel(
    transitions, injections, entry, boundaries, splits,
    K: tl.constexpr, V: tl.constexpr, BK: tl.constexpr, BV: tl.constexpr,
    REVERSED: tl.constexpr,
):  # fmt: skip
    """Write the state with which every split of one chain begins, or the gradient at its end.

    transitions M [chains, splits, K, K]; injections B, boundaries [chains, splits, K, V]; entry
    [chains, K, V]. Forward: boundary_0 = entry, boundary_{i+1} = M_i boundary_i + B_i.
    REVERSED: boundary_{n-1} = entry, boundary_{i-1} = M_i^T boundary_i + B_i.
    Program (chain, column block). Always IEEE fp32: an error here reaches a whole split.
    """
    chain, column = tl.program_id(0), tl.program_id(1) * BV
    state = load_state(entry, chain, column, K, V, BK, BV)
    for step in range(splits):
        split = splits - 1 - step if REVERSED else step
        index = chain * splits + split
        store_state(boundaries, index, column, state, K, V, BK, BV)
        if step + 1 < splits:
            M = load_state(transitions, index, 0, K, K, BK, BK)
            if REVERSED:
                M = tl.trans(M)
            B = load_state(injections, index, column, K, V, BK, BV)
            state = matmul(M, state, "ieee") + B
