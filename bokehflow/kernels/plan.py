"""How a scan is laid out on a GPU: chunk size, column blocks, warps and splits.

Nano's numbers (head size 16 in half precision) were tuned on an H100: one warp a walk, as many
splits as the device runs at once, two chunks' loads under way. The others were chosen by
compiling every kernel for sm_80 and sm_90: layouts that spill no register at the head sizes of the
variants, which `python -m bokehflow.kernels.resources` checks (other sizes may: 20 in float32).
Chunks of 32 tokens spilled at head size 16 when tried: the inverse grows with the chunk's square.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

CHUNK = 16
"""Tokens a chunk: the smallest side of a tensor-core product, and one leaf of the inverse."""

QUARTERS, QUARTER_REGISTERS = 4, 16_384
"""Parts of a multiprocessor, each with its own registers: a warp's must fit one of them, so 144 a
thread leave room for 12 warps of 32 threads, not for 14. More splits would only queue."""

USUAL_REGISTERS = 160
"""A thread of walks whose registers are not limited."""

MIN_CHUNKS_PER_SPLIT = 4
"""Below this the boundary states cost more than the tokens they serve."""

LONGEST_GROUP = 16
"""Splits whose borders one program walks; of more, groups are walked side by side."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One kernel's shape: state columns a program takes, its warps of 32 threads, how many chunks'
    loads are under way at a time, and the most registers a thread may take, 0 for any number."""

    columns: int
    warps: int
    stages: int = 1
    registers: int = 0


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """block: head size padded to a power of two. walk, token and boundary: the layouts of the walks
    along a split, of the per-chunk gradients and of the scan over splits.
    split_length: tokens a split, a multiple of CHUNK. group: splits whose borders one program
    walks."""

    block: int
    walk: Layout
    token: Layout
    boundary: Layout
    split_length: int
    group: int

    def splits(self, length: int) -> int:
        """Number of splits of a chain of `length` tokens."""
        return -(-length // self.split_length)


_HALF = {
    16: (Layout(16, 1, 2, registers=128), Layout(16, 1)),
    32: (Layout(32, 2), Layout(32, 2)),
    64: (Layout(32, 4), Layout(16, 4)),
}
_SINGLE = {
    16: (Layout(16, 2), Layout(16, 4)),
    32: (Layout(16, 8), Layout(32, 8)),
    64: (Layout(16, 8), Layout(16, 8)),
}
_BOUNDARY = {16: Layout(16, 1), 32: Layout(16, 1), 64: Layout(16, 4)}
GATES = Layout(128, 4)
"""Of the kernel that gathers gates: steps a program takes, and its warps."""


def plan_launch(
    head_size: int, length: int, chains: int, dtype: torch.dtype, processors: int
) -> LaunchPlan:
    """Choose the layouts for one scan, and as many splits as the device can run at once.

    head_size: the larger of K and V, at most 64; length: tokens a chain; processors: the device's
    multiprocessors. One split, which saves the summary pass, when the chains fill the device.
    """
    block = max(16, 1 << (head_size - 1).bit_length())
    walk, token = (_SINGLE if dtype == torch.float32 else _HALF)[block]
    programs = chains * (block // walk.columns) * walk.warps
    warps = QUARTERS * (QUARTER_REGISTERS // (32 * (walk.registers or USUAL_REGISTERS)))
    wanted = processors * warps // programs
    chunks = -(-length // CHUNK)
    splits = max(1, min(wanted, chunks // MIN_CHUNKS_PER_SPLIT))
    split_length = CHUNK * -(-chunks // splits)
    splits = -(-length // split_length)
    # As many groups as there are splits in one: the shortest walk over the ones, then the others.
    group = splits if splits <= LONGEST_GROUP else math.ceil(math.sqrt(splits))
    return LaunchPlan(block, walk, token, _BOUNDARY[block], split_length, group)
