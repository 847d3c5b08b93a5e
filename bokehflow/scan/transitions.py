"""The recurrence over chunks: S_n = M_n S_{n-1} + B_n for every n, given S_0.

All schemes give the same states to rounding, since the transitions are contractions; they differ
in how many steps wait for each other and in how much arithmetic they spend. One step is one matrix
product and one sum; nothing is squeezed or stacked in between, which keeps a traced graph short.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

InterChunk = Literal["sequential", "two_level", "three_level", "hillis_steele"]
INTER_CHUNK_SCHEMES: tuple[str, ...] = get_args(InterChunk)

_LEVELS = {"sequential": 1, "two_level": 2, "three_level": 3}


def carry_states(
    transition: Tensor, update: Tensor, initial: Tensor, scheme: InterChunk
) -> tuple[Tensor, Tensor]:
    """Return the state *before* each chunk and the state after the last.

    transition: [N, chunks, K, K], M_n; update: [N, chunks, K, V], B_n; initial: [N, K, V].
    Returns starts [N, chunks, K, V] and final [N, K, V].
    """
    if scheme == "hillis_steele":
        starts, final = _hillis_steele(transition, update, initial[:, None])
    else:
        starts, final = _grouped(transition, update, initial[:, None], _LEVELS[scheme])
    return starts, final[:, 0]


def _sequential(transition: Tensor, update: Tensor, initial: Tensor) -> tuple[Tensor, Tensor]:
    """One step a chunk. initial and final: [N, 1, K, V]."""
    states = [initial]
    for step, add in zip(_each(transition), _each(update), strict=True):
        states.append(step @ states[-1] + add)
    return torch.cat(states[:-1], dim=1), states[-1]


def _grouped(
    transition: Tensor, update: Tensor, initial: Tensor, levels: int
) -> tuple[Tensor, Tensor]:
    """Chunks in groups of about chunks^(1/levels): compose inside all groups at once, carry the
    state from group to group, then apply the compositions to every group's start.

    initial and final: [N, 1, K, V].
    """
    batch, chunks, key_size, value_size = update.shape
    group = math.ceil(chunks ** (1 / levels))
    if levels == 1 or group == 1:
        return _sequential(transition, update, initial)
    groups = math.ceil(chunks / group)
    spare = groups * group - chunks
    if spare:
        # Spare chunks lead to states that nobody reads: the final one is picked before them.
        transition = F.pad(transition, (0, 0, 0, 0, 0, spare))
        update = F.pad(update, (0, 0, 0, 0, 0, spare))
    prefixes = _compose(
        transition.reshape(batch * groups, group, key_size, key_size),
        update.reshape(batch * groups, group, key_size, value_size),
    ).reshape(batch, groups, group * key_size, key_size + value_size)
    moves, adds = torch.split(prefixes, [key_size, value_size], dim=-1)
    whole = slice((group - 1) * key_size, None)
    group_starts, final = _grouped(moves[:, :, whole], adds[:, :, whole], initial, levels - 1)
    # State after every chunk of every group; a group's last one is the next group's start.
    after = moves @ group_starts + adds
    starts = torch.cat([group_starts, after[:, :, : whole.start]], dim=2)
    starts = starts.reshape(batch, groups * group, key_size, value_size)
    if spare:
        final = starts[:, chunks : chunks + 1]
    return starts[:, :chunks], final


def _compose(transition: Tensor, update: Tensor) -> Tensor:
    """The maps from each group's start to the end of each of its chunks, as (M | B).

    transition: [N, group, K, K]; update: [N, group, K, V]. Returns [N, group, K, K + V].
    """
    key_size = transition.shape[-1]
    maps = [torch.cat([transition[:, :1], update[:, :1]], dim=-1)]
    adds = F.pad(update[:, 1:], (key_size, 0))
    for step, add in zip(_each(transition[:, 1:]), _each(adds), strict=True):
        maps.append(step @ maps[-1] + add)
    return torch.cat(maps, dim=1)


def _hillis_steele(transition: Tensor, update: Tensor, initial: Tensor) -> tuple[Tensor, Tensor]:
    """Inclusive scan by doubling: log2(chunks) passes over all chunks."""
    chunks = transition.shape[1]
    stride = 1
    while stride < chunks:
        late = slice(stride, None)
        early = slice(None, chunks - stride)
        moved = transition[:, late] @ update[:, early] + update[:, late]
        composed = transition[:, late] @ transition[:, early]
        update = torch.cat([update[:, :stride], moved], dim=1)
        transition = torch.cat([transition[:, :stride], composed], dim=1)
        stride *= 2
    ends = transition @ initial + update
    return torch.cat([initial, ends[:, :-1]], dim=1), ends[:, -1:]


def _each(maps: Tensor) -> tuple[Tensor, ...]:
    """[N, chunks, ...] as one [N, 1, ...] a chunk."""
    return torch.split(maps, 1, dim=1)
