"""Temporal state propagation (TSP): what one frame leaves for the next. See `segments.py` too.

S_0 = tau * S_final_prev + (1 - tau) * S_init, tau = sigmoid(W [pool(x_t), pool(x_{t-1})]), one tau
a block. Source: founding document, section 3.4.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from bokehflow.layers.segments import SegmentStart
from bokehflow.scan import DIRECTIONS
from bokehflow.specs import Variant


class State(NamedTuple):
    """What is carried from frame to frame. All zeros means that there was no previous frame.

    scan: [B, blocks of both streams, n x 4 x H, d, d], what every segment of every scan ended in,
    segment-major and then direction-major, each where the segment after it starts (`segments.py`);
    n = 1 for whole scans.
    pooled: [B, C], the mean stem token of the previous frame.
    valid: [B, 1], 1 after a frame, 0 before the first one.
    To keep one in a file, save `tuple(state)`: `torch.load` reads no types but its own.
    """

    scan: Tensor
    pooled: Tensor
    valid: Tensor


def state_shapes(variant: Variant, batch: int = 1, segments: int = 1) -> dict[str, tuple[int, ...]]:
    """Name and shape of every state tensor of a variant whose scans are cut into segments."""
    streams, size = segments * len(DIRECTIONS) * variant.heads, variant.head_size
    return {
        "scan": (batch, 2 * variant.blocks, streams, size, size),
        "pooled": (batch, variant.channels),
        "valid": (batch, 1),
    }


def first_state(
    variant: Variant, batch: int = 1, segments: int = 1, device: torch.device | None = None
) -> State:
    """The state before the first frame, and after a cut."""
    shapes = state_shapes(variant, batch, segments)
    return State(**{name: torch.zeros(shape, device=device) for name, shape in shapes.items()})


class StatePropagation(nn.Module):
    """The start states of every scan of a frame, from what the previous frame left."""

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        self.heads = variant.heads
        blocks, size = 2 * variant.blocks, variant.head_size
        self.initial = nn.Parameter(torch.zeros(blocks, variant.heads, size, size))
        self.keep = nn.Linear(2 * variant.channels, blocks)

    def forward(self, state: State, pooled: Tensor) -> Tensor:
        """state: of the previous frame; pooled: [B, C], this frame's mean stem token.

        Returns start states [B, blocks, 4 x H, d, d].
        """
        tau = self._tau(state, pooled)[:, :, None, None, None]
        learned = self.initial.repeat(1, len(DIRECTIONS), 1, 1)[None]
        return tau * state.scan + (1.0 - tau) * learned

    def learned(self, state: State) -> Tensor:
        """Start states that take nothing from the previous frame, as `forward` returns them."""
        learned = self.initial.repeat(1, len(DIRECTIONS), 1, 1)[None]
        return learned.expand(len(state.valid), -1, -1, -1, -1)

    def segment_starts(self, state: State, pooled: Tensor, segments: int) -> list[SegmentStart]:
        """What every block's segments start from, the depth blocks' followed by the bokeh's."""
        by_segment = (segments, len(DIRECTIONS), self.heads, *state.scan.shape[-2:])
        learned = self.initial[:, None].repeat(1, len(DIRECTIONS), 1, 1, 1)
        tau = self._tau(state, pooled)
        return [
            SegmentStart(
                learned[block][None],
                state.scan[:, block].reshape(-1, *by_segment),
                tau[:, block : block + 1],
                state.valid,
            )
            for block in range(len(learned))
        ]

    def _tau(self, state: State, pooled: Tensor) -> Tensor:
        """How much of the previous frame each block keeps, [B, blocks]; 0 on a first frame."""
        both = torch.cat([pooled, state.pooled], dim=-1)
        return torch.sigmoid(self.keep(both)) * state.valid
