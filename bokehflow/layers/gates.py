"""Depth-aware hierarchical gating (DAHG): how fast each layer may forget.

Source: founding document, section 3.2; the lower bound comes from HGRN-2 (arXiv 2404.07904).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SMALLEST_DECAY = 1e-6
"""A state multiplied by this is gone; its logarithm is still finite in half precision."""
FIRST_LEVEL, LEVEL_STEP = 0.0, 0.7
"""Where levels begin, before training: a stream's first layer may forget half of its state at a
token, the last of six a thirty-fourth."""


class GateFloors(nn.Module):
    """alpha_min_l = sigmoid(a_l + lambda * CoC_mean), with a_1 < a_2 < ... by construction."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.tensor(FIRST_LEVEL))
        raw_step = torch.tensor(LEVEL_STEP).expm1().log()
        self.steps = nn.Parameter(raw_step.repeat(layers - 1))
        self.coc_gain = nn.Parameter(torch.tensor(0.1))

    def levels(self) -> Tensor:
        """a_l for every layer, [layers], strictly increasing."""
        rises = torch.cumsum(F.softplus(self.steps), dim=0)
        return self.first + F.pad(rises, (1, 0))

    def forward(self, layer: int, coc_mean: Tensor) -> Tensor:
        """1 - alpha_min of one layer, [B, 1], in 0..1: the room above the floor.

        coc_mean: [B, 1], the frame's mean blur radius in percent of its width. The floor itself
        would round to 1 in half precision where the room above it still has all its digits.
        """
        level = self.levels()[layer : layer + 1]
        return torch.sigmoid(-(level + self.coc_gain * coc_mean))


class TokenGates(nn.Module):
    """sigmoid(w_h . silu(proj_h) + b_h) for alpha and beta of every direction and head.

    The weights are one vector a head; they act as a block-diagonal matrix, one matrix product
    instead of a product and a sum over every head.
    """

    def __init__(self, heads: int, head_size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(heads, head_size) * head_size**-0.5)
        self.bias = nn.Parameter(torch.zeros(heads))
        self.register_buffer("own_head", torch.eye(heads)[:, None, :], persistent=False)
        self.own_head: Tensor

    def forward(self, projected: Tensor) -> Tensor:
        """projected: [B, T, heads x head_size]. Returns logits [B, T, heads]."""
        matrix = (self.weight[:, :, None] * self.own_head).flatten(0, 1)
        return F.silu(projected) @ matrix + self.bias


def log_decay_above(room: Tensor, logits: Tensor) -> Tensor:
    """log(alpha_min + (1 - alpha_min) * sigmoid(logits)), <= 0.

    room: 1 - alpha_min, broadcasts against logits, in 0..1.
    """
    return log_one_minus(room * torch.sigmoid(-logits))


def log_one_minus(x: Tensor) -> Tensor:
    """log(1 - x) for x in 0..1, with its digits where x is small; never below log(SMALLEST_DECAY).

    1 - x rounds away what makes a decay slow. What it lost, (1 - (1 - x)) - x, is exact (Sterbenz,
    1974) and is added to the logarithm: a first-order correction, without its divisor 1 - x because
    nothing is lost where that is small.
    """
    left = 1.0 - x
    return torch.log(torch.clamp(left, min=SMALLEST_DECAY)) + ((1.0 - left) - x)
