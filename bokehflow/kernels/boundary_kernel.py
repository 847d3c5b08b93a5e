"""The short walk over splits that turns their summaries into the states at their borders."""

# Triton's language is compiled, not run: Python's types say nothing about it.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl

from bokehflow.kernels.addressing import load_state, store_state
from bokehflow.kernels.chunk_math import add_matmul


@triton.jit
def split_scan_kernel(
    decays, changes, injections, entry, boundaries, splits,
    K: tl.constexpr, V: tl.constexpr, BK: tl.constexpr, BV: tl.constexpr, REVERSED: tl.constexpr,
):  # fmt: skip
    """Write the state with which every split of one chain begins, or the gradient at its end.

    A split makes d S + F S + B of S. decays d [chains, splits] and injections B^T
    [chains, splits, V, K] are fp32, changes F^T [chains, splits, K, K] have the sequences' dtype;
    boundaries [chains, splits, K, V] and entry [chains, K, V] are fp32, all contiguous. Forward:
    boundary_0 = entry, boundary_{i+1} = d_i boundary_i + F_i boundary_i + B_i. REVERSED:
    boundary_{n-1} = entry, boundary_{i-1} = d_i boundary_i + F_i^T boundary_i + B_i.
    What a split only lets fade stays fp32: d is apart, and F is small where little is written.
    Program (chain, block of the state's columns, which never mix).
    """
    OPERANDS: tl.constexpr = changes.dtype.element_ty
    chain, column = tl.program_id(0), tl.program_id(1) * BV
    S_t = tl.trans(load_state(entry, chain, 0, column, K, V, BK, BV))
    # A step is much shorter than a fetch: what four steps read is under way at a time.
    for step in tl.range(0, splits, num_stages=4):
        index = chain * splits + (splits - 1 - step if REVERSED else step)
        d = tl.load(decays + index)
        F_t = load_state(changes, index, 0, 0, K, K, BK, BK)
        B_t = load_state(injections, index, column, 0, V, K, BV, BK)
        store_state(boundaries, index, 0, column, tl.trans(S_t), K, V, BK, BV)
        S_t = add_matmul(d * S_t + B_t, S_t, tl.trans(F_t) if REVERSED else F_t, OPERANDS)
