"""Push-pull fill: what a layer would look like behind the things that hide it.

Push: average values and weights down to a pyramid of one or two cells. Pull: come back up and keep
each level's own average as far as it rests on enough weight. A pyramid that stops earlier leaves
holes that a mean error does not show and a step edge does.

Source: Gortler et al., "The Lumigraph", 1996, section 3.4 (push-pull).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

COARSEST_CELLS = 1
FULL_TRUST_WEIGHT = 1 / 16
"""Mean weight from which a cell's own average counts alone."""
SMALLEST = 1e-4
"""Least divisor: a normal number in half precision too, and no bias above it."""


def push_pull(values: Tensor, weights: Tensor) -> Tensor:
    """Values everywhere, from where there is weight.

    values: [N, C, h, w], already multiplied by their weights; weights: [N, 1, h, w] in 0..1.
    Returns [N, C, h, w].
    """
    return push_pull_levels({0: torch.cat([values, weights], 1)})[0]


def push_pull_levels(seen: Mapping[int, Tensor]) -> dict[int, Tensor]:
    """`push_pull` for maps of several sizes on one pyramid.

    seen: by level, values and below them their weight, [N, C + 1, h, w]; the grid of level k + 1
    has cells twice as wide as that of level k. Returns [N, C, h, w] for every level given.
    """
    filled: dict[int, Tensor] = {}
    if seen:
        _fill_from(min(seen), None, seen, filled)
    return filled


def _fill_from(
    level: int, finer: Tensor | None, seen: Mapping[int, Tensor], filled: dict[int, Tensor]
) -> Tensor:
    """Fill one level and all above it: what comes from finer ones and what joins here.

    Enters what joins into `filled` and returns the rest.
    """
    both = torch.cat([x for x in (finer, seen.get(level)) if x is not None])
    height, width = both.shape[2:]
    values, weights = torch.split(both, [both.shape[1] - 1, 1], dim=1)
    if max(height, width) <= COARSEST_CELLS and level >= max(seen):
        result = values / weights.clamp(min=SMALLEST)
    else:
        coarse = _fill_from(level + 1, _halved(both), seen, filled)
        behind = F.interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=False)
        if behind.shape != values.shape:
            behind = behind[:, :, :height, :width]
        trust = (weights / FULL_TRUST_WEIGHT).clamp(max=1.0)
        result = values * (trust / weights.clamp(min=SMALLEST)) + behind * (1.0 - trust)
    if level not in seen:
        return result
    if finer is None:
        filled[level] = result
        return result
    rest, filled[level] = torch.split(result, [finer.shape[0], seen[level].shape[0]])
    return rest


def _halved(x: Tensor) -> Tensor:
    """Means of 2x2 cells; beyond an odd bottom or right border there is no value and no weight."""
    height, width = x.shape[2:]
    if height % 2 or width % 2:
        x = F.pad(x, (0, width % 2, 0, height % 2))
    return F.avg_pool2d(x, 2)
