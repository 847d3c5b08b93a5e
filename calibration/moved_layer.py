"""A layer as another point of the lens sees it, laid over a picture. See `thin_lens`."""

from __future__ import annotations

import math
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.calibration.surface import TEXELS_PER_PX, Field, Surface
from bokehflow.errors import SizeError

STEEPEST_SLOPE = 0.7
"""Largest slope of a curved layer's radius, px per px; the fixed point converges by this factor."""

FIXED_POINT_TOLERANCE_PX = 5e-3
"""How far, in px, from its fixed point a radius may be left."""


class Mover(Protocol):
    """Draws one layer as seen from one point of the lens."""

    def composite(self, picture: Tensor, u_x: float, u_y: float) -> None:
        """Lay the moved layer over `picture`, linear light [3, H, W], in place."""


def _pixel_means(rgba: Tensor) -> Tensor:
    """Mean over a pixel's square centred on every corner between texels, [4, h, w].

    One texel of nothing is added all round first, so that reading just outside gives 0.
    """
    return F.avg_pool2d(F.pad(rgba, (1, 1, 1, 1)), TEXELS_PER_PX, stride=1)


def _even_box(coverage: Tensor) -> tuple[int, int, int, int]:
    """Rows and columns [y0, y1) x [x0, x1) of the texels in use, on whole pixels."""
    rows = torch.nonzero(coverage.amax(dim=1))
    cols = torch.nonzero(coverage.amax(dim=0))
    if len(rows) == 0:
        return 0, 0, 0, 0
    y0, y1 = int(rows[0]), int(rows[-1]) + 1
    x0, x1 = int(cols[0]), int(cols[-1]) + 1
    return y0 // 2 * 2, (y1 + 1) // 2 * 2, x0 // 2 * 2, (x1 + 1) // 2 * 2


def _over(target: Tensor, rgba: Tensor) -> None:
    """Composite premultiplied `rgba` [4, h, w] over `target` [3, h, w] in place."""
    target.mul_(1.0 - rgba[3:]).add_(rgba[:3])


class FlatMover:
    """A layer at one depth: a shift. Works only on the part of the layer that holds anything.

    The pixel means lie two a pixel each way; kept as four pictures, one a phase, so that each of
    the four values that a linear interpolation needs is one contiguous slice.
    """

    def __init__(
        self, rgba: Tensor, radius_px: float, margin_px: int, frame: tuple[int, int]
    ) -> None:
        y0, y1, x0, x1 = _even_box(rgba[3])
        means = _pixel_means(rgba[:, y0:y1, x0:x1]) if y1 > y0 else rgba.new_zeros(4, 1, 1)
        # Knot k of the means lies at (k + origin texel) / 2 pixels; phase picture [py][px], cell a
        # is the knot 2 a + p - 1, so that both phases begin outside the layer.
        padded = F.pad(means, (1, 1, 1, 1))
        self.phases = [[padded[:, py::2, px::2].contiguous() for px in (0, 1)] for py in (0, 1)]
        self.origin = (y0 // 2 - margin_px, x0 // 2 - margin_px)
        self.radius_px = radius_px
        self.frame = frame

    def composite(self, picture: Tensor, u_x: float, u_y: float) -> None:
        """Put the layer, as it is seen from a point of the lens in units of the lens's radius, over
        picture [3, H, W], in place."""
        rows = self._taps(-self.radius_px * u_y, axis=0)
        cols = self._taps(-self.radius_px * u_x, axis=1)
        (y0, y1), (x0, x1) = self._span(rows, 0), self._span(cols, 1)
        if y0 >= y1 or x0 >= x1:
            return
        moved: Tensor | None = None
        for phase_y, shift_y, weight_y in rows:
            for phase_x, shift_x, weight_x in cols:
                source = self.phases[phase_y][phase_x]
                part = source[:, y0 + shift_y : y1 + shift_y, x0 + shift_x : x1 + shift_x]
                weight = weight_y * weight_x
                moved = part * weight if moved is None else moved.add_(part, alpha=weight)
        if moved is not None:
            _over(picture[:, y0:y1, x0:x1], moved)

    def _taps(self, shift_px: float, axis: int) -> list[tuple[int, int, float]]:
        """(phase, cell of pixel 0, weight) of the values between which a pixel's lies."""
        # Pixel j is centred on knot 2 (j - origin - shift) + 1 of the means, + 1 for the padding.
        knot = 2.0 * (-self.origin[axis] - shift_px) + 2.0
        first = math.floor(knot)
        share = knot - first
        taps = [(first % 2, first // 2, 1.0 - share)]
        if share > 0.0:
            taps.append(((first + 1) % 2, (first + 1) // 2, share))
        return taps

    def _span(self, taps: list[tuple[int, int, float]], axis: int) -> tuple[int, int]:
        """The pixels [first, last) for which every tap lies inside its phase picture."""
        first, last = 0, self.frame[axis]
        for phase, cell, _ in taps:
            size = self.phases[phase][0].shape[1] if axis == 0 else self.phases[0][phase].shape[2]
            first, last = max(first, -cell), min(last, size - cell)
        return first, last


class WarpMover:
    """A slanted or curved layer: every pixel looks up its own point. See `thin_lens`."""

    def __init__(
        self,
        rgba: Tensor,
        radius: Surface,
        margin_px: int,
        frame: tuple[int, int],
        reach_px: float,
    ) -> None:
        y0, y1, x0, x1 = _even_box(rgba[3])
        self.means = _pixel_means(rgba[:, y0:y1, x0:x1]).unsqueeze(0)
        self.radius = radius
        self.iterations = _iterations(radius, reach_px)
        self.field = radius.values[None, None] if isinstance(radius, Field) else None
        # The part of the frame that the layer can reach, and its pixels' coordinates from the
        # frame's centre.
        pad = math.ceil(reach_px) + 1
        self.top = max(0, y0 // 2 - margin_px - pad)
        self.left = max(0, x0 // 2 - margin_px - pad)
        # At least as far as where it starts: a layer out of reach covers an empty part.
        self.bottom = max(self.top, min(frame[0], y1 // 2 - margin_px + pad))
        self.right = max(self.left, min(frame[1], x1 // 2 - margin_px + pad))
        self.y, self.x = torch.meshgrid(
            torch.arange(self.top, self.bottom) + 0.5 - frame[0] / 2,
            torch.arange(self.left, self.right) + 0.5 - frame[1] / 2,
            indexing="ij",
        )
        # Pixels from the frame's centre to the first knot of the means.
        self.knot_y = y0 / 2 - margin_px - frame[0] / 2
        self.knot_x = x0 / 2 - margin_px - frame[1] / 2

    def composite(self, picture: Tensor, u_x: float, u_y: float) -> None:
        if self.top >= self.bottom or self.left >= self.right:
            return
        radius = self._radius_seen(u_x, u_y)
        knots_y = TEXELS_PER_PX * (self.y + radius * u_y - self.knot_y)
        knots_x = TEXELS_PER_PX * (self.x + radius * u_x - self.knot_x)
        moved = _read(self.means, knots_y, knots_x, padding="zeros")
        _over(picture[:, self.top : self.bottom, self.left : self.right], moved)

    def _radius_seen(self, u_x: float, u_y: float) -> Tensor:
        """Radius of the point that every pixel sees from lens point u, [h, w]."""
        if not isinstance(self.radius, Field):
            slope_along_u = self.radius.slope_x * u_x + self.radius.slope_y * u_y
            return self.radius.at(self.x, self.y) / (1.0 - slope_along_u)
        seen = self._field_at(self.x, self.y)
        for _ in range(self.iterations):
            seen = self._field_at(self.x + seen * u_x, self.y + seen * u_y)
        return seen

    def _field_at(self, x: Tensor, y: Tensor) -> Tensor:
        assert self.field is not None
        rows, cols = self.field.shape[2:]
        # Texel k of a canvas is centred (k + 1/2) / 2 pixels from its edge.
        texel_y = TEXELS_PER_PX * y + (rows - 1) / 2
        texel_x = TEXELS_PER_PX * x + (cols - 1) / 2
        return _read(self.field, texel_y, texel_x, padding="border")[0]


def _iterations(radius: Surface, reach_px: float) -> int:
    """Steps after which the fixed point is within tolerance; SizeError if it need not exist."""
    if not isinstance(radius, Field):
        return 0
    slope = radius.steepest_per_px()
    if slope > STEEPEST_SLOPE:
        raise SizeError(
            f"a curved layer whose blur radius changes by {slope:.2f} px per px",
            f"at most {STEEPEST_SLOPE}, or it would hide parts of itself",
            "bend it less or split it into layers",
        )
    # Reading the radius at the pixel itself is wrong by at most slope * reach; every step that
    # follows multiplies the error by the slope.
    error_px, steps = slope * reach_px, 0
    while error_px > FIXED_POINT_TOLERANCE_PX:
        error_px, steps = error_px * slope, steps + 1
    return steps


def _read(source: Tensor, row: Tensor, col: Tensor, padding: str) -> Tensor:
    """Linear interpolation of `source` [1, C, h, w] at fractional indices, [C, H, W]."""
    height, width = source.shape[2:]
    grid_y = row * (2.0 / (height - 1)) - 1.0
    grid_x = col * (2.0 / (width - 1)) - 1.0
    grid = torch.stack([grid_x, grid_y], dim=-1).unsqueeze(0)
    return F.grid_sample(source, grid, mode="bilinear", padding_mode=padding, align_corners=True)[0]
