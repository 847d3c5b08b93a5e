"""Solid boxes of flat sheets: cupboards and crates indoors, houses outdoors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bokehflow.calibration.data.pose import shift, turn
from bokehflow.calibration.data.sheet import Sheet


@dataclass(frozen=True, eq=False)
class Block:
    """A box that stands on the ground, turned about its foot by yaw_deg.

    place_m: x and z of its middle. size_m: width, height, depth. picture: what covers its sides, a
    sheet's rgba. repeat_m: as a sheet's.
    """

    place_m: tuple[float, float]
    size_m: tuple[float, float, float]
    yaw_deg: float
    picture: Tensor
    repeat_m: float | None = None

    def faces(self, camera_height_m: float, light_yaw_deg: float) -> list[Sheet]:
        """The faces that a camera over the origin sees, each lit by where it points.

        The visible faces of a convex body never hide one another, so their order is free.
        """
        width, height, depth = self.size_m
        middle = shift(self.place_m[0], 0.0, self.place_m[1]) @ turn(1, self.yaw_deg)
        found = []
        for quarter in range(4):
            out, across = (depth, width) if quarter % 2 == 0 else (width, depth)
            pose = middle @ turn(1, 90.0 * quarter) @ shift(0.0, 0.0, out / 2)
            normal, foot = pose[:3, 2], pose[:3, 3]
            if float(normal @ -foot) > 1e-3:
                shade = _shade(math.degrees(math.atan2(normal[0], normal[2])), light_yaw_deg)
                found.append(self._side(pose, (across, height), shade))
        if height < camera_height_m:
            top = middle @ shift(0.0, height, depth / 2) @ turn(0, -90.0)
            found.append(self._side(top, (width, depth), 1.0))
        return found

    def _side(self, pose: np.ndarray, size_m: tuple[float, float], shade: float) -> Sheet:
        gain = torch.tensor([shade, shade, shade, 1.0])[:, None, None]
        return Sheet(self.picture * gain, pose, size_m, self.repeat_m)


def _shade(facing_deg: float, light_yaw_deg: float) -> float:
    """How light a side is: shadows fall away from it where it faces the light."""
    towards = math.cos(math.radians(facing_deg - light_yaw_deg))
    return 0.65 + 0.35 * towards
