"""The opening of the lens: a disk or a regular polygon, and well-spread points on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from bokehflow.errors import LensError

GOLDEN_FRACTION = (math.sqrt(5.0) - 1.0) / 2.0
MIN_BLADES = 3
FEWEST_SAMPLES = 256


@dataclass(frozen=True, slots=True)
class Aperture:
    """A disk (`blades` = 0) or a regular polygon inscribed in the unit circle.

    With rotation 0 one corner points along +x of the image; a positive rotation turns it towards
    +y, which is down. This is the opening as it stands in the scene, and the shape of the blur of a
    point *farther* than the focus; a nearer point shows it turned by half a turn, because rays
    cross in the focus. Raises LensError for one or two blades.
    """

    blades: int = 0
    rotation_deg: float = 0.0

    def __post_init__(self) -> None:
        if self.blades != 0 and self.blades < MIN_BLADES:
            raise LensError(f"blades={self.blades}", "0 for a disk, or at least 3")

    def boundary(self, turn: Tensor) -> Tensor:
        """Points of the rim, [..., 2] as (x, y), for fractions of a turn in [0, 1)."""
        if self.blades == 0:
            angle = 2 * math.pi * turn
            return torch.stack([torch.cos(angle), torch.sin(angle)], dim=-1)
        side = torch.floor(turn * self.blades)
        along = (turn * self.blades - side).unsqueeze(-1)
        start, end = self._corner(side), self._corner(side + 1)
        return start * (1 - along) + end * along

    def _corner(self, index: Tensor) -> Tensor:
        angle = 2 * math.pi * index / self.blades + math.radians(self.rotation_deg)
        return torch.stack([torch.cos(angle), torch.sin(angle)], dim=-1)


def lens_samples(aperture: Aperture, count: int) -> Tensor:
    """`count` points that cover the aperture evenly, float64 [count, 2] in units of its radius.

    Sunflower arrangement: the i-th point lies on a copy of the rim that encloses the share
    (i + 1/2) / count of the area, a golden fraction of a turn after the one before. Walking the rim
    at constant speed sweeps equal areas for a disk and for a regular polygon, so the points have
    uniform density on both. Deterministic; their mean is moved onto the exact centre, so that a
    blur does not shift the picture. Raises LensError for fewer than one point.
    """
    if count < 1:
        raise LensError(f"{count} lens samples", "at least 1")
    index = torch.arange(count, dtype=torch.float64)
    scale = torch.sqrt((index + 0.5) / count).unsqueeze(-1)
    # Begun opposite the first corner: a disk and an even number of blades keep the points with
    # which the recorded figures were measured.
    points = scale * aperture.boundary(torch.remainder(index * GOLDEN_FRACTION + 0.5, 1.0))
    return points - points.mean(dim=0, keepdim=True)


def samples_for(radius_px: float) -> int:
    """How many lens samples leave no grain in a blur of this radius, at least FEWEST_SAMPLES.

    One sample per pixel of the blurred point's area: neighbouring copies of a one-pixel light then
    touch each other.
    """
    return max(FEWEST_SAMPLES, math.ceil(math.pi * radius_px * radius_px))
