"""The recurrence over chunks: S_n = M_n S_{n-1} + B_n for every n, given S_0.

All schemes give the same states to rounding, since the transitions are contractions; they differ
in how many steps wait for each other and in how much arithmetic they spend.
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
        return _hillis_steele(transition, update, initial)
    return _grouped(transition, update, initial, _LEVELS[scheme])


def _sequential(transition: Tensor, update: Tensor, initial: Tensor) -> tuple[Tensor, Tensor]:
    """One step a chunk."""
    starts, state = [], initial
    for step, add in zip(transition.unbind(1), update.unbind(1), strict=True):
        starts.append(state)
        state = torch.baddbmm(add, step, state)
    return torch.stack(starts, dim=1), state


def _grouped(
    transition: Tensor, update: Tensor, initial: Tensor, levels: int
) -> tuple[Tensor, Tensor]:
    """Chunks in groups of about chunks^(1/levels): compose inside all groups at once, then carry
    the state from group to group, then apply the compositions to every group's start."""
    batch, chunks, key_size, _ = transition.shape
    if levels == 1 or chunks == 1:
        return _sequential(transition, update, initial)
    group = math.ceil(chunks ** (1 / levels))
    groups = math.ceil(chunks / group)
    spare = groups * group - chunks
    if spare:
        # A spare chunk's zero transition is harmless: nothing reads the states after the last one
        # except the final state, which is taken before the spare ones below.
        transition = F.pad(transition, (0, 0, 0, 0, 0, spare))
        update = F.pad(update, (0, 0, 0, 0, 0, spare))
    joined = torch.cat([transition, update], dim=-1)
    joined = joined.reshape(batch * groups, group, key_size, joined.shape[-1])
    prefixes = _prefixes(joined, key_size).reshape(batch, groups, group, key_size, -1)
    whole = prefixes[:, :, -1]
    group_starts, final = _grouped(
        whole[..., :key_size], whole[..., key_size:], initial, levels - 1
    )
    inner = prefixes[:, :, :-1]
    later = inner[..., :key_size] @ group_starts[:, :, None] + inner[..., key_size:]
    starts = torch.cat([group_starts[:, :, None], later], dim=2)
    starts = starts.reshape(batch, groups * group, key_size, -1)
    if spare:
        final = starts[:, chunks]
    return starts[:, :chunks], final


def _prefixes(joined: Tensor, key_size: int) -> Tensor:
    """Compose the maps of one group from its first chunk on.

    joined: [N, group, K, K + V], (M_n | B_n). Returns the same shape: entry n is the map from
    the group's start to the end of chunk n.
    """
    steps = joined.unbind(1)
    total = steps[0]
    prefixes = [total]
    for step in steps[1:]:
        total = step[..., :key_size] @ total + F.pad(step[..., key_size:], (key_size, 0))
        prefixes.append(total)
    return torch.stack(prefixes, dim=1)


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
    ends = transition @ initial[:, None] + update
    starts = torch.cat([initial[:, None], ends[:, :-1]], dim=1)
    return starts, ends[:, -1]
