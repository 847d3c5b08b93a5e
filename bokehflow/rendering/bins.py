"""Sorting a picture into layers by its signed blur radius, without hard borders.

A pixel whose radius lies between two of the bank belongs to both, in shares that are linear in the
signed *square* of the radius: so the mean variance of its blur is exactly that of its own radius,
and nothing jumps while the focus moves.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bokehflow.rendering.unmix import Surface
from bokehflow.rendering.windows import added, channel_sum


class SoftBins:
    """How much of a picture lies in each layer of a bank. Layers are counted from far to near.

    contents: of the surfaces that share every pixel, [B, C+1, H, W] each.
    """

    def __init__(self, surfaces: Sequence[Surface], bank_radii_px: Sequence[float]) -> None:
        """bank_radii_px: signed, ascending. A radius beyond an end counts as that end."""
        self.contents = [surface.content for surface in surfaces]
        self._coverage = torch.cat([content[:, -1:] for content in self.contents], 1)
        radius_px = torch.cat([surface.radius_px for surface in surfaces], 1)
        self._squares = radius_px * radius_px.abs()
        self._edges = [radius * abs(radius) for radius in bank_radii_px]

    def own(self, index: int) -> Tensor:
        """What lies in a layer, [B, C+1, H, W]: light times share, and the share as coverage."""
        shares = self._share_from(index)
        if index + 1 < len(self._edges):
            shares = shares - self._share_from(index + 1)
        return dyed(shares, self.contents)

    def coverage_from(self, index: int) -> Tensor:
        """How much of each pixel lies in layer `index` or nearer; [B, 1, H, W], 0..1."""
        return channel_sum(self.surfaces_from(index))

    def surfaces_from(self, index: int) -> Tensor:
        """The same surface by surface, [B, S, H, W]."""
        return self._coverage * self._share_from(index) if index else self._coverage

    def _share_from(self, index: int) -> Tensor:
        """The share of each surface that lies in layer `index` or nearer, [B, S, H, W].

        All of it lies in layer 0 or nearer: [1, S, 1, 1], for a whole plane of one number would be
        a constant of every graph.
        """
        if index == 0:
            like = self._coverage
            return torch.ones(1, len(self.contents), 1, 1, dtype=like.dtype, device=like.device)
        low, high = self._edges[index - 1 : index + 1]
        return ((self._squares - low) * (1.0 / (high - low))).clamp(0.0, 1.0)


def dyed(shares: Tensor, contents: Sequence[Tensor]) -> Tensor:
    """Surfaces' light by their shares: [..., C, H, W] of [..., S, H, W] and S of [..., C, H, W]."""
    each = torch.split(shares, 1, -3)
    return added([share * content for share, content in zip(each, contents, strict=True)])
