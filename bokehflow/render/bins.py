"""Sorting a picture into layers by its signed blur radius, without hard borders.

A pixel whose radius lies between two of the bank belongs to both, in shares that are linear in the
signed *square* of the radius: so the mean variance of its blur is exactly that of its own radius,
and nothing jumps while the focus moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor


def signed_square(radius: Tensor) -> Tensor:
    """r |r|, the coordinate in which bins are linear."""
    return radius * radius.abs()


class SoftBins:
    """The shares of every pixel in the layers of a bank, from one radius map [B, 1, H, W] in px."""

    def __init__(self, radius_px: Tensor, bank_radii_px: Sequence[float]) -> None:
        """bank_radii_px: signed, ascending (far to near). Radii beyond an end count as it."""
        square = signed_square(radius_px)
        edges = [r * abs(r) for r in bank_radii_px]
        self._one = torch.ones_like(radius_px)
        # beyond[k]: how far a pixel has left layer k towards the nearer layer k + 1.
        self._beyond = [
            ((square - low) / (high - low)).clamp(0.0, 1.0) for low, high in pairwise(edges)
        ]

    def beyond(self, layer: int) -> Tensor:
        """Share of each pixel that is nearer than `layer`; all of it for -1, none past the last."""
        if layer < 0:
            return self._one
        if layer >= len(self._beyond):
            return torch.zeros_like(self._one)
        return self._beyond[layer]

    def inside(self, layer: int) -> Tensor:
        """Share of each pixel in `layer`; over all layers the shares add up to 1."""
        return self.beyond(layer - 1) - self.beyond(layer)

    def visible(self, layer: int) -> Tensor:
        """1 where the layer's own depth, or what is behind it, can be seen."""
        return 1.0 - self.beyond(layer)

    def hidden(self, layer: int) -> Tensor:
        """1 where nearer things hide the layer.

        Counted one layer later than it seems: a pixel shared with the next layer is not hidden,
        or silhouettes would grow.
        """
        return self.beyond(layer + 1)
