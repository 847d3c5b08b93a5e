"""Push-pull fill: what a layer would look like behind the things that hide it.

Push: average values and weights down to a pyramid of one or two cells. Pull: come back up and keep
each level's own average as far as it rests on enough weight. A pyramid that stops earlier leaves
holes that a mean error does not show and a step edge does.

Source: Gortler et al., "The Lumigraph", 1996, section 3.4 (push-pull).
"""

from __future__ import annotations

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
    height, width = values.shape[2:]
    if max(height, width) <= COARSEST_CELLS:
        return values / weights.clamp(min=SMALLEST)
    coarse = push_pull(_halved(values), _halved(weights))
    behind = F.interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=False)
    if behind.shape != values.shape:
        behind = behind[:, :, :height, :width]
    trust = (weights / FULL_TRUST_WEIGHT).clamp(max=1.0)
    return values * (trust / weights.clamp(min=SMALLEST)) + behind * (1.0 - trust)


def _halved(x: Tensor) -> Tensor:
    """Means of 2x2 cells; beyond an odd bottom or right border there is no value and no weight."""
    height, width = x.shape[2:]
    if height % 2 or width % 2:
        x = F.pad(x, (0, width % 2, 0, height % 2))
    return F.avg_pool2d(x, 2)
