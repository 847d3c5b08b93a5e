"""Push-pull fill: what a layer would look like behind the things that hide it.

Push: average values and weights down to a pyramid of one cell. Pull: come back up and keep each
level's own average as far as it rests on enough weight. A pyramid that stops earlier leaves holes
that a mean error does not show and a step edge does; and one that ends in the average of whatever
little is seen somewhere shows it through every outline of the picture.

Source: Gortler et al., "The Lumigraph", 1996, section 3.4 (push-pull).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.rendering.cells import cropped, enlarged

COARSEST_CELLS = 1
FULL_TRUST_WEIGHT = 1 / 16
"""Mean weight from which a cell's own average counts alone."""
WHOLE_TRUST_WEIGHT = 1 / 4
"""Mean weight of a whole picture from which what is seen somewhere in it is filled in everywhere;
of less, only a part. A lamp in a corner is not behind everything."""


class Seen(NamedTuple):
    """Values [N, C, h, w], already multiplied by their weights, and these, [N, 1, h, w] in 0..1."""

    values: Tensor
    weights: Tensor


class Top(NamedTuple):
    """Where a pyramid ends: a level, and what is filled there, [N, C, h, w] as `pushed` has it."""

    level: int
    filled: Tensor


def push_pull(seen: Seen) -> Tensor:
    """Values [N, C, h, w] everywhere, from where there is weight."""
    return push_pull_levels({0: seen})[0]


def push_pull_levels(seen: Mapping[int, Seen], top: Top | None = None) -> dict[int, Tensor]:
    """`push_pull` for maps of several sizes on one pyramid.

    seen: by level; the grid of level k + 1 has cells twice as wide as that of level k. top: what is
    known of a level that none of them is above. Returns [N, C, h, w] for every level given.
    """
    filled: dict[int, Tensor] = {}
    if seen:
        _fill_from(min(seen), None, seen, top, filled)
    return filled


def pushed(seen: Mapping[int, Seen], level: int) -> Seen:
    """What maps of several sizes, at least one, come to on the grid of one level that none of them
    is above: those of finer levels first."""
    finest = min(seen)
    together = seen[finest]
    for coarser in range(finest + 1, level + 1):
        halved = Seen(_halved(together.values), _halved(together.weights))
        together = _joined([x for x in (halved, seen.get(coarser)) if x is not None])
    return together


def _fill_from(
    level: int,
    finer: Seen | None,
    seen: Mapping[int, Seen],
    top: Top | None,
    filled: dict[int, Tensor],
) -> Tensor:
    """Fill one level and all above it: what comes from finer ones and what joins here.

    Enters what joins into `filled` and returns the rest.
    """
    values, weights = _joined([x for x in (finer, seen.get(level)) if x is not None])
    height, width = values.shape[2:]
    if top is not None and level == top.level:
        result = top.filled
    elif max(height, width) <= COARSEST_CELLS and level >= max(seen):
        result = values / weights.clamp(min=WHOLE_TRUST_WEIGHT)
    else:
        halved = Seen(_halved(values), _halved(weights))
        coarse = _fill_from(level + 1, halved, seen, top, filled)
        behind = cropped(enlarged(coarse, 2), height, width)
        # What is behind makes up the weight that full trust lacks.
        trusted = weights.clamp(min=FULL_TRUST_WEIGHT)
        result = (values + behind * (trusted - weights)) / trusted
    if level not in seen:
        return result
    if finer is None:
        filled[level] = result
        return result
    rest, filled[level] = torch.split(result, [len(x.values) for x in (finer, seen[level])])
    return rest


def _joined(parts: Sequence[Seen]) -> Seen:
    if len(parts) == 1:
        return parts[0]
    values, weights = zip(*parts, strict=True)
    return Seen(torch.cat(values), torch.cat(weights))


def _halved(x: Tensor) -> Tensor:
    """Means of 2x2 cells; at an odd bottom or right border, of those that there are."""
    height, width = x.shape[2:]
    if height % 2 or width % 2:
        x = F.pad(x, (0, width % 2, 0, height % 2), mode="replicate")
    return F.avg_pool2d(x, 2)
