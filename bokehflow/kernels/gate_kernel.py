"""Gates in the order in which chains meet them, gathered once for every kernel that reads them.

In a feature map a chain's gates lie apart: 2 bytes of a 32-byte sector each, in columns a line of
memory each, and every walk would read them so again.
"""

# Triton's language is compiled, not run: Python's types say nothing about it.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl

from bokehflow.kernels.addressing import D, token_places


@triton.jit
def _gate_of_tokens(view, batch, direction, places, head, exists):
    """One gate of some tokens and heads in fp32, zero where none exists."""
    offsets = batch.to(tl.int64) * view[1] + places.to(tl.int64)[:, None] * view[2]
    offsets += direction * view[3] + head * view[4]
    return tl.load(view[0] + offsets, mask=exists, other=0.0).to(tl.float32)


@triton.jit
def gate_kernel(
    log_decay, beta, gates, shape,
    BH: tl.constexpr, BLOCK: tl.constexpr, C: tl.constexpr,
):  # fmt: skip
    """Write gates [chains, chunks, 2, C] in fp32: a chunk's log decays and betas, zero for tokens
    that do not exist, which has no effect.

    log_decay, beta: views of [B, T, 4, H] as in `addressing`. Program ((batch, segment, direction),
    block of BLOCK steps), all heads of up to BH at once, since those lie side by side.
    """
    heads, segments, length = shape[0], shape[1], shape[2]
    walk, first = tl.program_id(0), tl.program_id(1) * BLOCK
    direction, segment, batch = walk % D, (walk // D) % segments, walk // (D * segments)
    places, valid = token_places(first, length, (batch, segment, direction, 0), shape, BLOCK)
    head = tl.arange(0, BH)[None, :]
    exists = valid[:, None] & (head < heads)
    log_a = _gate_of_tokens(log_decay, batch, direction, places, head, exists)
    b = _gate_of_tokens(beta, batch, direction, places, head, exists)
    chunks = tl.cdiv(length, C)
    steps = first + tl.arange(0, BLOCK)[:, None]
    index = (walk.to(tl.int64) * heads + head) * chunks + steps // C
    target = gates + index * (2 * C) + steps % C
    inside = (steps < chunks * C) & (head < heads)
    tl.store(target, log_a, mask=inside)
    tl.store(target + C, b, mask=inside)


@triton.jit
def load_gates(gates, index, C: tl.constexpr):
    """Gates [2, C] of chunk `index`, counted over all chains: a walk fetches them a chunk ahead."""
    offsets = tl.arange(0, 2)[:, None] * C + tl.arange(0, C)[None, :]
    return tl.load(gates + index.to(tl.int64) * (2 * C) + offsets)


@triton.jit
def part_gates(gates):
    """The log decays [C] and betas [C] of `load_gates`.

    By sums, since Triton would read vectors as short as these anew for every layout they are
    used in.
    """
    first_row = tl.arange(0, 2)[:, None] == 0
    return tl.sum(tl.where(first_row, gates, 0.0), 0), tl.sum(tl.where(first_row, 0.0, gates), 0)
