"""The states at the borders of a scan's splits, from what every split makes of a state."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from bokehflow.kernels.boundary_kernels import split_group_kernel, split_scan_kernel
from bokehflow.kernels.job import Job
from bokehflow.kernels.launch import laid_out


class Maps(NamedTuple):
    """What n pieces of every chain make of a state S each, d S + F S + B: decays d [chains, n] and
    injections B^T [chains, n, V, K] in fp32, changes F^T [chains, n, K, K] in the sequences' dtype.
    """

    decays: Tensor
    changes: Tensor
    injections: Tensor


def empty_maps(like: Tensor, pieces: int, job: Job) -> Maps:
    """Room for the maps of so many pieces. like: any of the sequences."""
    chains, K, V = job.shape.chains, job.shape.key_size, job.shape.value_size
    return Maps(
        like.new_empty(chains, pieces, dtype=torch.float32),
        like.new_empty(chains, pieces, K, K),
        like.new_empty(chains, pieces, V, K, dtype=torch.float32),
    )


def states_at_borders(maps: Maps, entry: Tensor, job: Job, *, backwards: bool) -> Tensor:
    """The state before every split, or with `backwards` the gradient after it: fp32
    [chains, splits, K, V].

    entry: [chains, K, V], the first state or the last gradient.
    """
    chains, K, V = entry.shape
    group = job.plan.group
    groups = -(-job.splits // group)
    layout = job.plan.boundary
    constants = {
        "K": K, "V": V, "BK": job.plan.block, "BV": layout.columns, "REVERSED": backwards,
    }  # fmt: skip
    of_groups = empty_maps(maps.changes, groups, job)
    sizes = (job.splits, group)
    arguments: tuple[Any, ...] = (*maps, *of_groups, *sizes)
    if groups > 1:
        grid = (chains, groups, -(-max(K, V) // layout.columns))
        job.run(laid_out(split_group_kernel, grid, arguments, constants, layout))
    boundaries = entry.new_empty(chains, job.splits, K, V)
    grid = (chains, groups, -(-V // layout.columns))
    arguments = (*maps, *of_groups, entry, boundaries, *sizes)
    job.run(laid_out(split_scan_kernel, grid, arguments, constants, layout))
    return boundaries
