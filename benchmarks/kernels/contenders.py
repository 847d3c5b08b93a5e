"""The forms of the scan that are compared, all with one signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bokehflow.installed import needs
from bokehflow.kernels import gated_delta_scan_2d
from bokehflow.kernels.walks import walking_order
from bokehflow.scan import chunk_scan_2d

Sequences = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
Form = Callable[[Sequences, int, int], Tensor]
"""(q, k, v, log_decay, beta), height, width -> o [B, T, 4, H, V]."""

OURS, FLA, CHUNKED = "ours", "fla", "chunked"


@dataclass(frozen=True, slots=True)
class Contender:
    """A form under a name, with one sentence on what it does."""

    name: str
    about: str
    form: Form


def ours(sequences: Sequences, height: int, width: int) -> Tensor:
    """The Triton kernels of this package."""
    return gated_delta_scan_2d(*sequences, None, height=height, width=width)[0]


def chunked(sequences: Sequences, height: int, width: int) -> Tensor:
    """The chunked form in plain torch."""
    return chunk_scan_2d(*sequences, None, height=height, width=width)[0]


def fla_permuted(sequences: Sequences, height: int, width: int) -> Tensor:
    """fla's chunk kernels on a copy in scan order, all directions as one batch.

    Raises MissingDependencyError without flash-linear-attention.
    """
    with needs("flash-linear-attention", None, "the comparison", "fla"):
        from fla.ops.gated_delta_rule import chunk_gated_delta_rule
    order, back = _permutations(height, width, sequences[0].device)
    directions = torch.arange(len(order), device=order.device)[:, None]

    def to_scan_order(x: Tensor) -> Tensor:
        # [B, T, 4, ...] -> [B 4, T, ...], each direction in its own order.
        return x.transpose(1, 2)[:, directions, order].flatten(0, 1).contiguous()

    q, k, v, log_decay, beta = (to_scan_order(x) for x in sequences)
    o, _ = chunk_gated_delta_rule(
        q=q, k=k, v=v, g=log_decay, beta=beta, scale=1.0, output_final_state=True
    )
    o = o.unflatten(0, (-1, len(order)))
    restored: Tensor = o[:, directions, back].transpose(1, 2)
    return restored


def _permutations(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Raster index of every direction's steps [4, T], and its inverse."""
    order = torch.from_numpy(walking_order(height, width)).long().to(device)
    return order, order.argsort(dim=1)


CONTENDERS = (
    Contender(OURS, "Triton, strided addressing, four directions at once", ours),
    Contender(FLA, "fla chunk_gated_delta_rule on permuted copies, permutes counted", fla_permuted),
    Contender(CHUNKED, "plain torch, chunks of 16, two-level recurrence", chunked),
)
