"""Scans that are cut into segments, as sequences of their own."""

from __future__ import annotations

from torch import Tensor

from bokehflow.errors import UsageError
from bokehflow.layers.segments import TemporalConfig

EXPORTED_TSP = ("document", "off", "cold")
"""Scans in one pass. Those of `blended` are n, and the first frame of `systolic` is another."""


def require_one_pass(temporal: TemporalConfig) -> None:
    """Raise UsageError for a way of carrying the state that no graph of one frame can have."""
    if temporal.tsp not in EXPORTED_TSP:
        raise UsageError(f"exporting a model with tsp={temporal.tsp!r}", " or ".join(EXPORTED_TSP))


def exchanged(states: Tensor, first: int, second: int) -> Tensor:
    """[N x first, second, d, d] as [N x second, first, d, d]: whichever of segments and heads was
    the inner axis is the outer one."""
    if 1 in (first, second):
        return states.reshape(-1, first, *states.shape[2:])
    parts = states.reshape(-1, first, second, *states.shape[2:])
    return parts.transpose(1, 2).flatten(0, 1)
