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

from bokehflow.rendering.unmix import Surface, added


class SoftBins:
    """The shares of every pixel in the layers of a bank.

    Layers are counted from far to near. Every share is [B, 1, H, W] in 0..1.
    """

    def __init__(self, surfaces: Sequence[Surface], bank_radii_px: Sequence[float]) -> None:
        """bank_radii_px: signed, ascending. A radius beyond an end counts as that end."""
        self._surfaces = surfaces
        squares = [surface.radius_px * surface.radius_px.abs() for surface in surfaces]
        edges = [radius * abs(radius) for radius in bank_radii_px]
        # _nearer[k + 1][i]: what of surface i has left layer k towards the nearer layer k + 1.
        self._nearer = [[surface.share for surface in surfaces]]
        for low, high in pairwise(edges):
            shares = [((square - low) / (high - low)).clamp(0.0, 1.0) for square in squares]
            self._nearer.append([x * s.share for x, s in zip(shares, surfaces, strict=True)])

    def layer(self, index: int) -> Tensor:
        """What lies in one layer, [B, C+1, H, W]: light times share, and the share as coverage."""
        shares = [self._inside(index, i) for i in range(len(self._surfaces))]
        lights = [x * s.light for x, s in zip(shares, self._surfaces, strict=True)]
        return torch.cat([added(lights), added(shares)], 1)

    def visible(self, index: int) -> Tensor:
        """1 where the layer's own depth, or what is behind it, can be seen; not for the nearest."""
        return 1.0 - self._beyond(index)

    def can_be_hidden(self, index: int) -> bool:
        """Whether there is a layer that can hide this one: nothing hides the nearest two."""
        return index + 2 < len(self._nearer)

    def hidden(self, index: int) -> Tensor:
        """1 where nearer things hide the layer, which must be one that can be hidden.

        Counted one layer later than it seems: a pixel shared with the next layer is not hidden,
        or silhouettes would grow.
        """
        return self._beyond(index + 1)

    def _inside(self, index: int, surface: int) -> Tensor:
        before = self._nearer[index][surface]
        return (
            before - self._nearer[index + 1][surface] if index + 1 < len(self._nearer) else before
        )

    def _beyond(self, index: int) -> Tensor:
        return added(self._nearer[index + 1])
