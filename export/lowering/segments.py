"""States of scans that are cut into segments, in the order in which sequences go."""

from __future__ import annotations

from torch import Tensor


def exchanged(states: Tensor, first: int, second: int) -> Tensor:
    """[N x first, second, d, d] as [N x second, first, d, d]: whichever of segments and heads was
    the inner axis is the outer one."""
    if 1 in (first, second):
        return states.reshape(-1, first, *states.shape[2:])
    parts = states.reshape(-1, first, second, *states.shape[2:])
    return parts.transpose(1, 2).flatten(0, 1)
