"""The short walk over splits that turns their summaries into the states at their borders.

A split makes d S + F S + B of a state S. Walked one after another, a whole frame's splits leave
all but a few processors idle for long. So they are walked in groups side by side:
1. `split_group_kernel`: what every group of splits makes of a state, in the same form;
2. `split_scan_kernel`: each group over the groups before it to its own start, then its splits.
Decays d and injections B^T are fp32, changes F^T have the sequences' dtype: what a split only lets
fade stays fp32, since d is apart and F is small where little is written. REVERSED walks take a
gradient back, from the last split to the first, with F^T in place of F.
"""

# Triton's language is compiled, not run: Python's types say nothing about it.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl

from bokehflow.kernels.addressing import load_state, store_state
from bokehflow.kernels.chunk_math import add_matmul


@triton.jit
def _split_number(step, splits, REVERSED: tl.constexpr):
    """The split met at a step of the walk."""
    return splits - 1 - step if REVERSED else step


@triton.jit
def _change(changes, index, K: tl.constexpr, BK: tl.constexpr, TURNED: tl.constexpr):
    """By what a transposed state is multiplied from the right, [BK, BK]."""
    F_t = load_state(changes, index, 0, 0, K, K, BK, BK)
    return tl.trans(F_t) if TURNED else F_t


@triton.jit
def split_group_kernel(
    decays, changes, injections, group_decays, group_changes, group_injections, splits, group,
    K: tl.constexpr, V: tl.constexpr, BK: tl.constexpr, BV: tl.constexpr, REVERSED: tl.constexpr,
):  # fmt: skip
    """Write what one group of `group` splits makes of a state: d, F and B as of a single split.

    decays [chains, splits], changes [chains, splits, K, K], injections [chains, splits, V, K]; the
    groups' likewise, in the order of the walk, with changes as they are multiplied. Program (chain,
    group, block of BV rows, which never mix).
    """
    OPERANDS: tl.constexpr = changes.dtype.element_ty
    chain, number, row = tl.program_id(0), tl.program_id(1), tl.program_id(2) * BV
    D, F = 1.0, tl.zeros([BV, BK], tl.float32)
    B_t = tl.zeros([BV, BK], tl.float32)
    diagonal = row + tl.arange(0, BV)[:, None] == tl.arange(0, BK)[None, :]
    first = number * group
    for step in tl.range(first, min(first + group, splits), num_stages=3):
        index = chain * splits + _split_number(step, splits, REVERSED)
        d, change = tl.load(decays + index), _change(changes, index, K, BK, REVERSED)
        B_t = add_matmul(d * B_t, B_t, change, OPERANDS)
        B_t += load_state(injections, index, row, 0, V, K, BV, BK)
        # (D + F) (d + f) = D d + d F + (D + F) f
        F = add_matmul(d * F, F + tl.where(diagonal, D, 0.0), change, OPERANDS)
        D *= d
    index = chain * tl.num_programs(1) + number
    tl.store(group_decays + index, D)
    store_state(group_changes, index, row, 0, F.to(OPERANDS), K, K, BV, BK)
    store_state(group_injections, index, row, 0, B_t, V, K, BV, BK)


@triton.jit
def split_scan_kernel(
    decays, changes, injections, group_decays, group_changes, group_injections,
    entry, boundaries, splits, group,
    K: tl.constexpr, V: tl.constexpr, BK: tl.constexpr, BV: tl.constexpr, REVERSED: tl.constexpr,
):  # fmt: skip
    """Write the state with which every split of one group begins, or the gradient at its end.

    boundaries [chains, splits, K, V] and entry [chains, K, V] are fp32. Forward: boundary_0 =
    entry, boundary_{i+1} = d_i boundary_i + F_i boundary_i + B_i. REVERSED: boundary_{n-1} = entry,
    boundary_{i-1} = d_i boundary_i + F_i^T boundary_i + B_i. Program (chain, group, block of the
    state's columns, which never mix).
    """
    OPERANDS: tl.constexpr = changes.dtype.element_ty
    chain, number, column = tl.program_id(0), tl.program_id(1), tl.program_id(2) * BV
    groups = tl.num_programs(1)
    S_t = tl.trans(load_state(entry, chain, 0, column, K, V, BK, BV))
    # A step is much shorter than a fetch: what several steps read is under way at a time.
    for before in tl.range(0, number, num_stages=4):
        index = chain * groups + before
        B_t = load_state(group_injections, index, column, 0, V, K, BV, BK)
        d, change = tl.load(group_decays + index), _change(group_changes, index, K, BK, False)
        S_t = add_matmul(d * S_t + B_t, S_t, change, OPERANDS)
    first = number * group
    for step in tl.range(first, min(first + group, splits), num_stages=4):
        index = chain * splits + _split_number(step, splits, REVERSED)
        B_t = load_state(injections, index, column, 0, V, K, BV, BK)
        d, change = tl.load(decays + index), _change(changes, index, K, BK, REVERSED)
        store_state(boundaries, index, 0, column, tl.trans(S_t), K, V, BK, BV)
        S_t = add_matmul(d * S_t + B_t, S_t, change, OPERANDS)
