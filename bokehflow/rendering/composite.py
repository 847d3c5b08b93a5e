"""Putting blurred layers back together, near to far.

Soft bins split one surface between two neighbouring layers, whose coverages must add up; surfaces
that really hide each other must multiply. The pair rule does both: a layer is dimmed by all layers
before its neighbour, and takes no more than what is still free.
"""

from __future__ import annotations

import torch
from torch import Tensor

SMALLEST = 1e-4
"""Least divisor: a normal number in half precision too, and no bias above it."""


class Composite:
    """The sum so far: colour and coverage, and the light still free for what lies behind.

    Layers are [B, C+1, H, W]: colour premultiplied by coverage, and the coverage.
    """

    def __init__(self, nearest: Tensor) -> None:
        alpha = nearest[:, -1:]
        share = alpha.clamp(max=1.0)
        self._total = nearest * (share / alpha.clamp(min=SMALLEST))
        self._free_before = torch.ones_like(alpha)
        self._free = 1.0 - share

    def add_behind(self, layer: Tensor) -> None:
        """Put one more layer behind all that came before."""
        alpha = layer[:, -1:]
        share = torch.minimum(alpha * self._free_before, self._free)
        self._total = self._total + layer * (share / alpha.clamp(min=SMALLEST))
        self._free_before, self._free = self._free, self._free - share

    def colour(self) -> Tensor:
        """The composed picture [B, C, H, W]."""
        return self._total[:, :-1] / self._total[:, -1:].clamp(min=SMALLEST)
