"""Sorting a picture into layers by its signed blur radius, without hard borders.

A pixel whose radius lies between two of the bank belongs to both, in shares that are linear in the
signed *square* of the radius: so the mean variance of its blur is exactly that of its own radius,
and nothing jumps while the focus moves.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from bokehflow.rendering.unmix import Surface
from bokehflow.rendering.windows import added


class SoftBins:
    """What lies at each layer of a bank or nearer; all else about layers is in their differences.

    Layers are counted from far to near. A content is [B, C+1, H, W]: light times share, and the
    share as coverage, 0..1.
    """

    def __init__(self, surfaces: Sequence[Surface], bank_radii_px: Sequence[float]) -> None:
        """bank_radii_px: signed, ascending. A radius beyond an end counts as that end."""
        self._contents = [s.content for s in surfaces]
        self._squares = [s.radius_px * s.radius_px.abs() for s in surfaces]
        self._edges = [radius * abs(radius) for radius in bank_radii_px]

    def from_layer(self, index: int) -> Tensor:
        """The content of layer `index` and all nearer ones."""
        if index == 0:
            return added(self._contents)
        low, high = self._edges[index - 1 : index + 1]
        shares = [((x - low) * (1.0 / (high - low))).clamp(0.0, 1.0) for x in self._squares]
        return added([s * x for s, x in zip(shares, self._contents, strict=True)])
