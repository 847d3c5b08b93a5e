"""A sheet to draw on: the frame, its margin, and shapes with exact sub-pixel coverage.

Shapes are signed distances turned into coverage over one texel. Positions and sizes are given in
*frame widths times 480*, so that the same scene can be drawn at any size: `Canvas.px(1.0)` is one
pixel of a frame 480 pixels wide.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehflow.calibration.surface import TEXELS_PER_PX

Array = npt.NDArray[Any]
"""A NumPy array of floats; each docstring says which."""

REFERENCE_WIDTH_PX = 480


@dataclass(frozen=True)
class Canvas:
    """Texel coordinates of a layer, in pixels from the centre of the frame.

    height, width: the frame in pixels; margin_px: what is drawn beyond it on each side.
    """

    height: int
    width: int
    margin_px: int
    x: Array = field(init=False, repr=False)
    y: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rows, cols = self.shape
        y = (np.arange(rows, dtype=np.float32) + 0.5 - rows / 2) / TEXELS_PER_PX
        x = (np.arange(cols, dtype=np.float32) + 0.5 - cols / 2) / TEXELS_PER_PX
        object.__setattr__(self, "y", y.astype(np.float32)[:, None])
        object.__setattr__(self, "x", x.astype(np.float32)[None, :])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of texels."""
        border = 2 * self.margin_px
        return TEXELS_PER_PX * (self.height + border), TEXELS_PER_PX * (self.width + border)

    def px(self, reference_px: float) -> float:
        """A length given for a frame 480 pixels wide, in pixels of this one."""
        return reference_px * self.width / REFERENCE_WIDTH_PX

    def texels(self, reference_px: float) -> float:
        """The same in texels."""
        return TEXELS_PER_PX * self.px(reference_px)

    def blank(self) -> Array:
        """Coverage of nothing, float32 [rows, cols]."""
        return np.zeros(self.shape, dtype=np.float32)

    def window(self, x: float, y: float, reach: float) -> tuple[slice, slice]:
        """The texels within `reach` pixels of a point, as row and column slices."""
        rows, cols = self.shape
        row = (y * TEXELS_PER_PX) + rows / 2
        col = (x * TEXELS_PER_PX) + cols / 2
        half = reach * TEXELS_PER_PX + 2
        return (
            slice(max(0, int(row - half)), max(0, min(rows, int(row + half) + 1))),
            slice(max(0, int(col - half)), max(0, min(cols, int(col + half) + 1))),
        )


def coverage(distance_px: Array) -> Array:
    """Share of a texel inside a shape whose signed distance (inside < 0) is given in pixels."""
    return np.clip(0.5 - TEXELS_PER_PX * distance_px, 0.0, 1.0).astype(np.float32)


def add_ellipse(
    ink: Array,
    canvas: Canvas,
    centre: tuple[float, float],
    radii: tuple[float, float],
    turn: float = 0.0,
) -> None:
    """Add an ellipse to `ink` (coverage, in place): centre and radii in pixels, turn in radians."""
    box = canvas.window(*centre, max(radii))
    x, y = canvas.x[:, box[1]] - centre[0], canvas.y[box[0]] - centre[1]
    u = (x * math.cos(turn) + y * math.sin(turn)) / radii[0]
    v = (y * math.cos(turn) - x * math.sin(turn)) / radii[1]
    size = np.sqrt(u * u + v * v)
    # First-order distance to the rim: (|p| - 1) over the gradient of |p|.
    steepness = np.sqrt((u / radii[0]) ** 2 + (v / radii[1]) ** 2) / np.maximum(size, 1e-6)
    _join(ink, box, coverage((size - 1.0) / np.maximum(steepness, 1e-6)))


def add_leaf(
    ink: Array,
    canvas: Canvas,
    centre: tuple[float, float],
    length: float,
    turn: float,
    plumpness: float = 0.4,
) -> None:
    """Add a leaf, the lens shape that two circles share; `plumpness` is its width over length."""
    half = length / 2
    bulge = plumpness * half
    # Two circles of this radius, offset from the axis, meet at the leaf's ends.
    radius = (half * half + bulge * bulge) / (2 * bulge)
    box = canvas.window(*centre, half)
    x, y = canvas.x[:, box[1]] - centre[0], canvas.y[box[0]] - centre[1]
    along = x * math.cos(turn) + y * math.sin(turn)
    across = np.abs(y * math.cos(turn) - x * math.sin(turn))
    distance = np.sqrt(along**2 + (across + radius - bulge) ** 2) - radius
    _join(ink, box, coverage(distance))


def add_box(
    ink: Array,
    canvas: Canvas,
    centre: tuple[float, float],
    half_size: tuple[float, float],
    turn: float = 0.0,
) -> None:
    """Add a rectangle: centre and half side lengths in pixels, turn in radians."""
    box = canvas.window(*centre, math.hypot(*half_size))
    x, y = canvas.x[:, box[1]] - centre[0], canvas.y[box[0]] - centre[1]
    along = np.abs(x * math.cos(turn) + y * math.sin(turn)) - half_size[0]
    across = np.abs(y * math.cos(turn) - x * math.sin(turn)) - half_size[1]
    _join(ink, box, coverage(np.maximum(along, across)))


def add_strand(ink: Array, canvas: Canvas, points: Array, radius: float) -> None:
    """Add a hair along `points` [n, 2] (pixels); one thinner than a texel is faint instead."""
    thinnest = 0.5 / TEXELS_PER_PX
    strength = min(1.0, radius / thinnest)
    drawn = max(radius, thinnest)
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        dx, dy = float(x1 - x0), float(y1 - y0)
        reach = math.hypot(dx, dy) / 2 + drawn
        box = canvas.window((x0 + x1) / 2, (y0 + y1) / 2, reach)
        x, y = canvas.x[:, box[1]] - x0, canvas.y[box[0]] - y0
        share = np.clip((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-12), 0.0, 1.0)
        distance = np.hypot(x - share * dx, y - share * dy) - drawn
        _join(ink, box, strength * coverage(distance))


def _join(ink: Array, box: tuple[slice, slice], shape: Array) -> None:
    """The union of a shape with what is drawn already."""
    ink[box] = np.maximum(ink[box], shape)
