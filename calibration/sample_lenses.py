"""Lenses for calibration: every part of every range is seen, however few samples there are."""

from __future__ import annotations

import math

import numpy as np

from bokehflow.optics import Lens

FOCAL_LENGTHS_MM = (24.0, 200.0)
F_NUMBERS = (1.4, 22.0)
FOCUS_DISTANCES_M = (0.3, 100.0)
"""The farthest is beyond the hyperfocal distance of all but the longest lenses."""


def calibration_lenses(count: int, rng: np.random.Generator) -> list[Lens]:
    """`count` lenses over FOCAL_LENGTHS_MM, F_NUMBERS and FOCUS_DISTANCES_M, in random order.

    A Latin hypercube: each range is cut into `count` parts of equal ratio, and each part is used
    once, so that both ends of each range are seen.
    """
    columns = [
        _spread(*bounds, count, rng) for bounds in (FOCAL_LENGTHS_MM, F_NUMBERS, FOCUS_DISTANCES_M)
    ]
    return [Lens(*(round(float(value), 4) for value in row)) for row in zip(*columns, strict=True)]


def _spread(low: float, high: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """One value in each of `count` parts of a range, evenly on a logarithmic scale, shuffled.

    The first and the last part give the very ends of the range.
    """
    places = (np.arange(count) + rng.random(count)) / count
    places[0], places[-1] = 0.0, 1.0
    values = np.exp(math.log(low) + places * (math.log(high) - math.log(low)))
    return rng.permutation(values)
