"""Temporal state propagation (TSP): what one frame leaves for the next.

S_0 = tau * S_final_prev + (1 - tau) * S_init, tau = sigmoid(W [pool(x_t), pool(x_{t-1})]), one tau
a block. Source: founding document, section 3.4.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from bokehflow.scan import DIRECTIONS
from bokehflow.specs import Variant


class State(NamedTuple):
    """What is carried from frame to frame. All zeros means that there was no previous frame.

    scan: [B, blocks of both streams, 4 x H, d, d], every scan's final state, direction-major.
    pooled: [B, C], the mean stem token of the previous frame.
    valid: [B, 1], 1 after a frame, 0 before the first one.
    """

    scan: Tensor
    pooled: Tensor
    valid: Tensor


def state_shapes(variant: Variant, batch: int = 1) -> dict[str, tuple[int, ...]]:
    """Name and shape of every state tensor of a variant."""
    streams, size = len(DIRECTIONS) * variant.heads, variant.head_size
    return {
        "scan": (batch, 2 * variant.blocks, streams, size, size),
        "pooled": (batch, variant.channels),
        "valid": (batch, 1),
    }


def first_state(variant: Variant, batch: int = 1) -> State:
    """The state before the first frame, and after a cut."""
    return State(**{name: torch.zeros(s) for name, s in state_shapes(variant, batch).items()})


class StatePropagation(nn.Module):
    """The start states of every scan of a frame, from what the previous frame left."""

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        blocks, size = 2 * variant.blocks, variant.head_size
        self.initial = nn.Parameter(torch.zeros(blocks, variant.heads, size, size))
        self.keep = nn.Linear(2 * variant.channels, blocks)

    def forward(self, state: State, pooled: Tensor) -> Tensor:
        """state: of the previous frame; pooled: [B, C], this frame's mean stem token.

        Returns start states [B, blocks, 4 x H, d, d].
        """
        tau = torch.sigmoid(self.keep(torch.cat([pooled, state.pooled], dim=-1))) * state.valid
        tau = tau[:, :, None, None, None]
        learned = self.initial.repeat(1, len(DIRECTIONS), 1, 1)[None]
        return tau * state.scan + (1.0 - tau) * learned
