"""The recurrence over chunks: S_n = M_n S_{n-1} + B_n for every n, given S_0.

A chunk's map is kept as one square matrix, (M | B) over (0 | I), which acts on a state with an
identity below it: one step is one matrix product, which keeps a traced graph short, and rows are as
wide as accelerators like them. All schemes give the same states to rounding, since the transitions
are contractions; they differ in how many steps wait for each other and in how much arithmetic they
spend.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import Literal, get_args

import torch
from torch import Tensor

InterChunk = Literal["sequential", "two_level", "three_level", "hillis_steele"]
INTER_CHUNK_SCHEMES: tuple[str, ...] = get_args(InterChunk)

_LEVELS = {"sequential": 1, "two_level": 2, "three_level": 3}
_PADDING_COST = 100.0
"""Steps that doubling the number of chunks by padding would be worth."""


@lru_cache(maxsize=64)
def plan_groups(chunks: int, scheme: InterChunk) -> tuple[int, ...]:
    """How many maps each level of a scheme walks through; their product is at least `chunks`.

    Few steps are wanted, and little padding. Outermost level first.
    """
    levels = _LEVELS.get(scheme, 1)

    def cost(groups: tuple[int, ...]) -> float:
        return sum(groups) + _PADDING_COST * math.prod(groups) / chunks

    widest = 2 * math.ceil(chunks ** (1 / levels))
    outer = itertools.product(range(1, widest + 1), repeat=levels - 1)
    plans = ((*sizes, math.ceil(chunks / math.prod(sizes))) for sizes in outer)
    return min(plans, key=cost)


def carry_states(
    maps: Tensor, start: Tensor, groups: tuple[int, ...], scheme: InterChunk
) -> tuple[Tensor, Tensor]:
    """Return the state *before* each chunk and the state at the end, all as `start` is.

    maps: [N, chunks, K + V, K + V], chunks the product of `groups`; start: [N, K + V, columns], a
    state with an identity below it. Returns starts [N, chunks, K + V, columns] and the end.
    """
    if scheme == "hillis_steele":
        starts, end = _hillis_steele(maps, start[:, None])
    else:
        starts, end = _grouped(maps, start[:, None], groups)
    return starts, end[:, 0]


def _grouped(maps: Tensor, start: Tensor, groups: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Compose inside all groups of the last level at once, carry the state from group to group by
    the levels before it, then apply the compositions to every group's start.

    start, and so the end: [N, 1, K + V, columns].
    """
    *outer, group = groups
    if not outer:
        return _sequential(maps, start)
    batch, chunks, width = maps.shape[:3]
    count = chunks // group
    prefixes = _compose(maps.reshape(batch * count, group, width, width))
    prefixes = prefixes.reshape(batch, count, group * width, width)
    inner, whole = torch.split(prefixes, [(group - 1) * width, width], dim=2)
    group_starts, end = _grouped(whole, start, tuple(outer))
    starts = torch.cat([group_starts, inner @ group_starts], dim=2)
    return starts.reshape(batch, chunks, width, -1), end


def _sequential(maps: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
    """One step a chunk."""
    states = [start]
    for step in torch.split(maps, 1, dim=1):
        states.append(step @ states[-1])
    return torch.cat(states[:-1], dim=1), states[-1]


def _compose(maps: Tensor) -> Tensor:
    """The maps from each group's start to the end of each of its chunks.

    maps: [N, group, K + V, K + V], and so the result.
    """
    first, *others = torch.split(maps, 1, dim=1)
    composed = [first]
    for step in others:
        composed.append(step @ composed[-1])
    return torch.cat(composed, dim=1)


def _hillis_steele(maps: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
    """Inclusive scan by doubling: log2(chunks) passes over all chunks."""
    chunks, stride = maps.shape[1], 1
    while stride < chunks:
        composed = maps[:, stride:] @ maps[:, : chunks - stride]
        maps = torch.cat([maps[:, :stride], composed], dim=1)
        stride *= 2
    ends = maps @ start
    return torch.cat([start, ends[:, :-1]], dim=1), ends[:, -1:]
