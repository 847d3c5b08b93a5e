"""What a picture's depth is to whoever does not look at it: nearer at the bottom, or all the same.

Inverse depth that changes linearly from the top row to the bottom one is a ground seen by a level
camera. Fitted to the truth it is the best that a blind guess can do.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bokehflow.benchmarks.planes import Mask, Plane
from bokehflow.specs import DEPTH_JUDGED_M


@dataclass(frozen=True, slots=True)
class Gradient:
    """Inverse depth in 1/m of the top and the bottom row."""

    top: float
    bottom: float

    def inverse_depth(self, height: int, width: int) -> Plane:
        """The map [height, width], nowhere farther than DEPTH_JUDGED_M."""
        rows = self.top + (self.bottom - self.top) * _row_places(height)
        plane: Plane = np.repeat(np.maximum(rows, 1.0 / DEPTH_JUDGED_M)[:, None], width, axis=1)
        return plane

    def flattened(self) -> Gradient:
        """The same everywhere, at the mean."""
        middle = (self.top + self.bottom) / 2.0
        return Gradient(middle, middle)


def fit_gradient(inverse_depth: Plane, known: Mask) -> Gradient:
    """Least squares over the known pixels of [H, W]; at least one must be known."""
    rows = np.broadcast_to(_row_places(inverse_depth.shape[0])[:, None], inverse_depth.shape)[known]
    design = np.stack([1.0 - rows, rows], axis=1)
    # A single row leaves one end open; the smallest answer is taken.
    (top, bottom), *_ = np.linalg.lstsq(design, inverse_depth[known].astype(np.float64), rcond=None)
    return Gradient(float(top), float(bottom))


def mean_gradient(gradients: Sequence[Gradient]) -> Gradient:
    """The gradient of a whole set from those of its pictures."""
    return Gradient(
        statistics.fmean(one.top for one in gradients),
        statistics.fmean(one.bottom for one in gradients),
    )


def _row_places(height: int) -> Plane:
    """0 for the top row to 1 for the bottom one."""
    places: Plane = np.linspace(0.0, 1.0, height)
    return places
