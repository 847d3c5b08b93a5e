"""The recurrence over chunks: S_n = M_n S_{n-1} + B_n for every n, given S_0.

A chunk's map is kept as one tensor (M | B), [K, K + V]. All schemes give the same states to
rounding, since the transitions are contractions; they differ in how many steps wait for each other
and in how much arithmetic they spend. One step is one matrix product and one sum; nothing is
squeezed or stacked in between, which keeps a traced graph short.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import Literal, get_args

import torch
from torch import Tensor

from bokehflow.scan.constants import update_columns

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
    maps: Tensor, initial: Tensor, groups: tuple[int, ...], scheme: InterChunk
) -> tuple[Tensor, Tensor]:
    """Return the state *before* each chunk and the state after the last.

    maps: [N, chunks, K, K + V], chunks the product of `groups`; initial: [N, K, V].
    Returns starts [N, chunks, K, V] and final [N, K, V].
    """
    if scheme == "hillis_steele":
        starts, final = _hillis_steele(maps, initial[:, None])
    else:
        starts, final = _grouped(maps, initial[:, None], groups)
    return starts, final[:, 0]


def _grouped(maps: Tensor, initial: Tensor, groups: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Compose inside all groups of the last level at once, carry the state from group to group by
    the levels before it, then apply the compositions to every group's start.

    initial and final: [N, 1, K, V].
    """
    *outer, group = groups
    if not outer:
        return _sequential(maps, initial)
    batch, chunks, key_size, width = maps.shape
    count = chunks // group
    prefixes = _compose(maps.reshape(batch * count, group, key_size, width))
    prefixes = prefixes.reshape(batch, count, group * key_size, width)
    inner, whole = torch.split(prefixes, [(group - 1) * key_size, key_size], dim=2)
    group_starts, final = _grouped(whole, initial, tuple(outer))
    move, add = _parts(inner, key_size)
    starts = torch.cat([group_starts, move @ group_starts + add], dim=2)
    return starts.reshape(batch, chunks, key_size, width - key_size), final


def _sequential(maps: Tensor, initial: Tensor) -> tuple[Tensor, Tensor]:
    """One step a chunk."""
    states = [initial]
    for move, add in zip(*(_each(part) for part in _parts(maps, maps.shape[2])), strict=True):
        states.append(move @ states[-1] + add)
    return torch.cat(states[:-1], dim=1), states[-1]


def _compose(maps: Tensor) -> Tensor:
    """The maps from each group's start to the end of each of its chunks.

    maps: [N, group, K, K + V], and so the result.
    """
    key_size, width = maps.shape[2:]
    moves = _each(maps[..., :key_size])
    # (M | B) after (M' | B') is M (M' | B') + (0 | B).
    adds = _each(maps * update_columns(key_size, width, maps))
    composed = [maps[:, :1]]
    for move, add in zip(moves[1:], adds[1:], strict=True):
        composed.append(move @ composed[-1] + add)
    return torch.cat(composed, dim=1)


def _hillis_steele(maps: Tensor, initial: Tensor) -> tuple[Tensor, Tensor]:
    """Inclusive scan by doubling: log2(chunks) passes over all chunks."""
    key_size, width = maps.shape[2:]
    only_update = update_columns(key_size, width, maps)
    chunks, stride = maps.shape[1], 1
    while stride < chunks:
        late = maps[:, stride:]
        composed = late[..., :key_size] @ maps[:, : chunks - stride] + late * only_update
        maps = torch.cat([maps[:, :stride], composed], dim=1)
        stride *= 2
    move, add = _parts(maps, key_size)
    ends = move @ initial + add
    return torch.cat([initial, ends[:, :-1]], dim=1), ends[:, -1:]


def _parts(maps: Tensor, key_size: int) -> tuple[Tensor, Tensor]:
    """(M | B) as M and B."""
    move, add = torch.split(maps, [key_size, maps.shape[-1] - key_size], dim=-1)
    return move, add


def _each(maps: Tensor) -> tuple[Tensor, ...]:
    """[N, chunks, ...] as one [N, 1, ...] a chunk."""
    return torch.split(maps, 1, dim=1)
