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
    """How much of a picture lies in each layer of a bank. Layers are counted from far to near."""

    def __init__(self, surfaces: Sequence[Surface], bank_radii_px: Sequence[float]) -> None:
        """bank_radii_px: signed, ascending. A radius beyond an end counts as that end."""
        self._contents = [s.content for s in surfaces]
        self._squares = [s.radius_px * s.radius_px.abs() for s in surfaces]
        self._edges = [radius * abs(radius) for radius in bank_radii_px]
        self._shares: dict[int, list[Tensor]] = {}

    def own(self, index: int) -> Tensor:
        """What lies in a layer, [B, C+1, H, W]: light times share, and the share as coverage."""
        last = len(self._edges) - 1
        if index == 0 == last:
            return added(self._contents)
        if index == last:
            shares = self._from_layer(index)
        elif index == 0:
            shares = [1.0 - nearer for nearer in self._from_layer(1)]
        else:
            both = zip(self._from_layer(index), self._from_layer(index + 1), strict=True)
            shares = [here - nearer for here, nearer in both]
        return added([s * x for s, x in zip(shares, self._contents, strict=True)])

    def coverage_from(self, index: int) -> Tensor:
        """How much of each pixel lies in layer `index`, above 0, or nearer; [B, 1, H, W], 0..1."""
        shares = self._from_layer(index)
        return added([s * x[:, -1:] for s, x in zip(shares, self._contents, strict=True)])

    def _from_layer(self, index: int) -> list[Tensor]:
        """The share of each surface that lies in layer `index`, above 0, or nearer."""
        if index not in self._shares:
            low, high = self._edges[index - 1 : index + 1]
            scaled = [(x - low) * (1.0 / (high - low)) for x in self._squares]
            self._shares[index] = [x.clamp(0.0, 1.0) for x in scaled]
        return self._shares[index]
