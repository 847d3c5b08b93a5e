"""A scene under construction: one lens, one canvas, layers added from the back to the front.

Depth is given here as the blur radius it will have in a frame 480 pixels wide (positive nearer),
since that is what makes a scene easy or hard; the stage turns it into inverse depth.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from bokehflow.calibration.canvas import REFERENCE_WIDTH_PX, Array, Canvas
from bokehflow.calibration.surface import Field, Plane, Surface
from bokehflow.calibration.thin_lens import Layer
from bokehflow.optics import Lens, f_number_for_radius

FOCAL_LENGTHS_MM = (85.0, 105.0, 135.0)


@dataclass(frozen=True)
class Stage:
    """Collects the layers of one scene. `rng` is the scene's only source of chance."""

    canvas: Canvas
    lens: Lens
    rng: np.random.Generator
    layers: list[Layer] = field(default_factory=list)

    def inverse_depth(self, radius: float) -> float:
        """Inverse depth (1/m) that blurs by `radius` pixels in a frame 480 wide."""
        return float(self.lens.inverse_depth_for_radius(radius, REFERENCE_WIDTH_PX))

    def plane(self, radius: float, slope_x: float = 0.0, slope_y: float = 0.0) -> Plane:
        """A surface of the given radius at the centre; slopes are radius change per pixel."""
        per_px = self.inverse_depth(1.0) - self.inverse_depth(0.0)
        # A slope in radius per pixel is free of the frame's size; the radius at 480 is not.
        scale = REFERENCE_WIDTH_PX / self.canvas.width
        return Plane(self.inverse_depth(radius), slope_x * per_px * scale, slope_y * per_px * scale)

    def field(self, radius: Array) -> Field:
        """A curved surface from radii (at 480 wide) at every texel of the canvas."""
        per_px = self.inverse_depth(1.0) - self.inverse_depth(0.0)
        values = self.inverse_depth(0.0) + per_px * radius.astype(np.float64)
        return Field(torch.from_numpy(values.astype(np.float32)))

    def add(self, colour: Array, ink: Array, surface: Surface | float) -> None:
        """Put a layer in front of those there: colour [rows, cols, 3] or [3], coverage `ink`.

        surface: a radius stands for a plane parallel to the sensor.
        """
        if not isinstance(surface, Plane | Field):
            surface = self.plane(surface)
        rgb = np.broadcast_to(colour, (*self.canvas.shape, 3)) * ink[:, :, None]
        rgba = np.concatenate([rgb, ink[:, :, None]], axis=2).transpose(2, 0, 1)
        tensor = torch.from_numpy(np.ascontiguousarray(rgba, dtype=np.float32))
        self.layers.append(Layer(tensor, surface, self.canvas.margin_px))

    def add_backdrop(self, colour: Array, surface: Surface | float) -> None:
        """Put in a layer that covers everything."""
        self.add(colour, np.ones(self.canvas.shape, dtype=np.float32), surface)


def random_lens(rng: np.random.Generator) -> Lens:
    """A portrait lens, wide open: infinity blurs by 22 to 28 pixels in a frame 480 wide."""
    focal_mm = float(rng.choice(FOCAL_LENGTHS_MM))
    focus_m = round(float(rng.uniform(1.2, 2.4)), 2)
    radius_at_infinity = float(rng.uniform(22.0, 28.0))
    f_number = f_number_for_radius(radius_at_infinity, focal_mm, focus_m, REFERENCE_WIDTH_PX)
    return Lens(focal_mm, round(f_number, 2), focus_m)
