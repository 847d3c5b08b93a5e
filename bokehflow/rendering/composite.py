"""Putting blurred layers back together, near to far.

Soft bins split one surface between two neighbouring layers, whose coverages must add up; surfaces
that really hide each other must multiply. The pair rule does both: a layer is dimmed by all layers
before its neighbour, and takes no more than what is still free.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from bokehflow.rendering.division import LEAST_DIVISOR


class Composite(NamedTuple):
    """The sum so far, and the light still free for what lies behind.

    Layers are [B, C+1, H, W]: colour premultiplied by coverage, and the coverage; so is `total`.
    free: [B, 1, H, W], what is free now; free_before: what was before the last layer, of the same
    shape or [1, 1, 1, 1]. Whole planes of one number would be constants of every graph.
    """

    total: Tensor
    free_before: Tensor
    free: Tensor

    @classmethod
    def of(cls, near_to_far: Sequence[Tensor]) -> Composite:
        """Of layers alone, at least one."""
        nearest = near_to_far[0]
        alpha = nearest[:, -1:]
        share = alpha.clamp(max=1.0)
        total = nearest * (share / alpha.clamp(min=LEAST_DIVISOR))
        everything = torch.ones(1, 1, 1, 1, dtype=alpha.dtype, device=alpha.device)
        return cls(total, everything, 1.0 - share).before(near_to_far[1:])

    def before(self, near_to_far: Sequence[Tensor]) -> Composite:
        """With more layers behind all that came before."""
        total, free_before, free = self
        for layer in near_to_far:
            alpha = layer[:, -1:]
            share = torch.minimum(alpha * free_before, free)
            total = total + layer * (share / alpha.clamp(min=LEAST_DIVISOR))
            free_before, free = free, free - share
        return Composite(total, free_before, free)

    def before_coarse(
        self,
        near_to_far: Sequence[Tensor],
        shrink: Callable[[Tensor], Tensor],
        enlarge: Callable[[Tensor], Tensor],
    ) -> Composite:
        """With layers of a coarser grid behind; shrink, enlarge: from this grid to it and back.

        What they show is smooth, but not where it shows: that is decided on this grid, by what is
        free. So they are put together per unit of light that is free.
        """
        both = torch.cat([self.free_before.expand_as(self.free), self.free], 1)
        free_before, free = torch.split(shrink(both), 1, 1)
        nothing = torch.zeros(1, 1, 1, 1, dtype=free.dtype, device=free.device)
        behind = Composite(nothing, free_before, free).before(near_to_far).total
        # Divided here and not before: a coarse pixel without free light has nothing to tell the
        # pixels of this grid that border on it.
        behind, free = _apart(enlarge(torch.cat([behind, free], 1)))
        return self._replace(
            total=self.total + behind * (self.free / free.clamp(min=LEAST_DIVISOR))
        )

    def enlarged(self, enlarge: Callable[[Tensor], Tensor]) -> Composite:
        """The same on a finer grid; enlarge: makes a tensor [B, C+3, h, w] so much larger."""
        parts = [self.total, self.free_before.expand_as(self.free), self.free]
        together = enlarge(torch.cat(parts, 1))
        return Composite(*torch.split(together, [self.total.shape[1], 1, 1], 1))

    def colour(self) -> Tensor:
        """The composed picture [B, C, H, W]."""
        light, coverage = _apart(self.total)
        return light / coverage.clamp(min=LEAST_DIVISOR)


def _apart(x: Tensor) -> tuple[Tensor, Tensor]:
    """All channels but the last, and the last."""
    return x[:, :-1], x[:, -1:]
