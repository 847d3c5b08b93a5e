"""The fixed bank of signed blur radii into which a picture is sorted, ordered far to near.

A lens changes only the radius map, never the bank, so every kernel is a constant of the graph.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bokehflow.rendering.config import Quality

SMALL_RADII_PX: dict[Quality, tuple[float, ...]] = {
    "mobile": (1.0, 2.0, 3.0, 4.5, 7.0, 11.0, 18.0, 30.0),
    "best": (1.0, 2.0, 3.0, 4.5, 6.5, 9.2, 13.0, 18.4, 26.0),
}
"""The inner part of each bank: where one pixel more or less of blur is seen most."""
GROWTH: dict[Quality, float] = {"mobile": 1.7, "best": 1.42}
"""Largest ratio of neighbouring radii beyond the inner part."""
LAST_GAP = 1.15
"""A radius nearer to the maximum than this ratio is left out: the two would be all but one."""
LEVELS_FROM_PX: dict[Quality, tuple[float, ...]] = {
    "mobile": (3.0, 12.0, 24.0, 48.0),
    "best": (12.0, 24.0, 48.0, 96.0),
}
"""The radius from which on a layer works at pyramid level 1, 2, 3, 4. A disk keeps its shape from 6
cells on, and for most eyes from 3; of one of 3 to 6 px little but the spread is seen, and that is
exact at half the resolution too."""
COARSEST_CELL_PX = 2 ** max(map(len, LEVELS_FROM_PX.values()))
"""Pictures are padded to whole cells of the coarsest level, whether a bank has it or not: what is
filled in depends on the padding, and a larger bank is to change nothing."""
COMPOSITE_LEVEL = 1
"""Layers from this level on are smooth enough to be put together on its grid."""
FINEST_FILL_LEVEL: dict[Quality, int] = {"mobile": 2, "best": 1}
"""What shows behind something is smooth: layers at finer levels take theirs from this one."""
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class BankLayer:
    """One layer: its signed blur radius in px, the pyramid level it works at (2^level px), and the
    one, no finer, at which is found out what of it lies behind nearer layers."""

    radius_px: float
    level: int
    fill_level: int


def radius_bank(quality: Quality, far_px: float, near_px: float) -> tuple[BankLayer, ...]:
    """The layers from the farthest (-far_px) over 0 to the nearest (near_px); both limits >= 0."""
    far = [-r for r in reversed(_one_side(quality, far_px))]
    radii = [*far, 0.0, *_one_side(quality, near_px)]
    return tuple(_layer(r, quality) for r in radii)


def next_radius(quality: Quality, radius_px: float) -> float:
    """The smallest radius at or above one, of a bank without end; 0 for none.

    Banks that end in such radii begin alike: a larger one has more layers, and no other ones.
    """
    if radius_px <= 0:
        return 0.0
    table = SMALL_RADII_PX[quality]
    if radius_px <= table[-1]:
        return next(r for r in table if r >= radius_px)
    steps = math.ceil(math.log(radius_px / table[-1]) / math.log(GROWTH[quality]) - ROUNDING)
    return float(table[-1] * GROWTH[quality] ** max(steps, 1))


def pyramid_level(radius_px: float, quality: Quality) -> int:
    """The level that a layer works at; 0 is the full resolution."""
    return sum(abs(radius_px) >= start for start in LEVELS_FROM_PX[quality])


def _layer(radius_px: float, quality: Quality) -> BankLayer:
    level = pyramid_level(radius_px, quality)
    return BankLayer(radius_px, level, max(level, FINEST_FILL_LEVEL[quality]))


def _one_side(quality: Quality, max_px: float) -> list[float]:
    if max_px <= 0:
        return []
    radii = [r for r in SMALL_RADII_PX[quality] if r * LAST_GAP < max_px]
    last = radii[-1] if radii else max_px
    steps = max(1, math.ceil(math.log(max_px / last) / math.log(GROWTH[quality]) - ROUNDING))
    # Small banks end inside the table, whose own gaps may be wider than the growth beyond it.
    if len(radii) < len(SMALL_RADII_PX[quality]):
        steps = 1
    return radii + [last * (max_px / last) ** (i / steps) for i in range(1, steps + 1)]
