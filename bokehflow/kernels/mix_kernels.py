"""The four scans' outputs added up with softmax weights, a weight a channel, in one pass."""

# Triton's language is compiled, not run: Python's types say nothing about it.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl

from bokehflow.kernels.addressing import D


@triton.jit
def _places(first, count, C: tl.constexpr, BLOCK: tl.constexpr):
    """Offsets of sums first, first + 1, ... in [N, C], of their first terms in [N, 4, C], and
    which exist."""
    sums = first.to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    return sums, sums // C * (D * C) + sums % C, sums < count


@triton.jit
def _summed(logits, values, terms, inside, C: tl.constexpr, BLOCK: tl.constexpr):
    """Each sum's highest logit, its weights' total (that one's being 1), and itself."""
    highest = tl.full([BLOCK], float("-inf"), tl.float32)
    for d in tl.static_range(D):
        term = tl.load(logits + terms + d * C, mask=inside, other=0.0).to(tl.float32)
        highest = tl.maximum(highest, term)
    total, weighed = tl.zeros([BLOCK], tl.float32), tl.zeros([BLOCK], tl.float32)
    for d in tl.static_range(D):
        term = tl.load(logits + terms + d * C, mask=inside, other=0.0).to(tl.float32)
        value = tl.load(values + terms + d * C, mask=inside, other=0.0).to(tl.float32)
        share = tl.exp(term - highest)
        total += share
        weighed += share * value
    return highest, total, weighed / total


@triton.jit
def mix_kernel(logits, values, mixed, count, C: tl.constexpr, BLOCK: tl.constexpr):
    """mixed = sum_d softmax(logits)_d values_d. logits, values: [N, 4, C]; mixed: [N, C]."""
    sums, terms, inside = _places(tl.program_id(0), count, C, BLOCK)
    _, _, mean = _summed(logits, values, terms, inside, C, BLOCK)
    tl.store(mixed + sums, mean.to(mixed.dtype.element_ty), mask=inside)


@triton.jit
def mix_gradient_kernel(
    logits, values, grad, grad_logits, grad_values, count, C: tl.constexpr, BLOCK: tl.constexpr
):
    """With weights p = softmax(logits) and m = sum_d p_d values_d:
    grad_values_d = p_d grad, grad_logits_d = p_d (values_d - m) grad."""
    sums, terms, inside = _places(tl.program_id(0), count, C, BLOCK)
    highest, total, mean = _summed(logits, values, terms, inside, C, BLOCK)
    upstream = tl.load(grad + sums, mask=inside, other=0.0).to(tl.float32)
    per_share = upstream / total
    for d in tl.static_range(D):
        place = terms + d * C
        term = tl.load(logits + place, mask=inside, other=0.0).to(tl.float32)
        value = tl.load(values + place, mask=inside, other=0.0).to(tl.float32)
        down = tl.exp(term - highest) * per_share
        tl.store(grad_values + place, down.to(grad_values.dtype.element_ty), mask=inside)
        by_logit = down * (value - mean)
        tl.store(grad_logits + place, by_logit.to(grad_logits.dtype.element_ty), mask=inside)
