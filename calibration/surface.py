"""How inverse depth varies over a layer: a plane, or a smooth field.

The same two classes also hold signed blur radii, which are linear in inverse depth.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bokehflow.errors import SizeError
from bokehflow.optics import Lens

TEXELS_PER_PX = 2


@dataclass(frozen=True, slots=True)
class Plane:
    """A value that is linear in image coordinates: at_centre + slope . (p - centre of the frame).

    Slopes are per pixel, x to the right and y down. Every flat surface has an inverse depth (1/m)
    of this form; slopes of 0 make a plane parallel to the sensor.
    """

    at_centre: float
    slope_x: float = 0.0
    slope_y: float = 0.0

    @property
    def is_flat(self) -> bool:
        """Whether the value is the same everywhere."""
        return self.slope_x == 0.0 and self.slope_y == 0.0

    def radius_px(self, lens: Lens, width_px: int) -> Plane:
        """The signed blur radii of this inverse depth, in pixels."""
        offset = lens.signed_radius_px(0.0, width_px)
        gain = lens.radius_per_defocus_px(width_px)
        return Plane(offset + gain * self.at_centre, gain * self.slope_x, gain * self.slope_y)

    def at(self, x: Tensor, y: Tensor) -> Tensor:
        """Values at coordinates in pixels from the centre of the frame, any shape."""
        return self.at_centre + self.slope_x * x + self.slope_y * y

    def on_canvas(self, rows: int, cols: int) -> Tensor:
        """Values at every texel of a canvas around the frame, float32 [rows, cols]."""
        y = (torch.arange(rows, dtype=torch.float32) + 0.5 - rows / 2) / TEXELS_PER_PX
        x = (torch.arange(cols, dtype=torch.float32) + 0.5 - cols / 2) / TEXELS_PER_PX
        return self.at(x.unsqueeze(0), y.unsqueeze(1)).expand(rows, cols)


@dataclass(frozen=True, slots=True)
class Field:
    """A value given at every texel of a layer's canvas, float32 [height, width]; smooth."""

    values: Tensor

    def radius_px(self, lens: Lens, width_px: int) -> Field:
        """The signed blur radii of this inverse depth, in pixels."""
        return Field(lens.signed_radius_px(self.values, width_px))

    def on_canvas(self, rows: int, cols: int) -> Tensor:
        """Values at every texel of the canvas, float32 [rows, cols].

        Raises SizeError where the field was made for another canvas.
        """
        if self.values.shape != (rows, cols):
            raise SizeError(
                f"a depth field of {tuple(self.values.shape)} texels",
                f"the layer's {(rows, cols)}",
            )
        return self.values

    def steepest_per_px(self) -> float:
        """Bound on the slope: the largest change between neighbouring texels, per pixel."""
        slope_y = (self.values[1:] - self.values[:-1]).abs().max()
        slope_x = (self.values[:, 1:] - self.values[:, :-1]).abs().max()
        return TEXELS_PER_PX * float(torch.hypot(slope_x, slope_y))


Surface = Plane | Field
