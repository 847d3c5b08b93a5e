"""The camera that takes the sharp frames, and the opening that makes it a given lens.

A clip has two cameras. Its field of view belongs to the one that stands in the scene. The lens is
imitated: it decides only how large a blur each depth gets. An opening of the right size makes the
camera in the scene blur exactly so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehflow.calibration.data.pose import Pose
from bokehflow.optics import Lens, require_field_of_view

FOV_RANGE_DEG = (20.0, 75.0)
"""Of the cameras of made scenes: from a portrait lens to a phone's wide one."""


@dataclass(frozen=True)
class Pinhole:
    """A camera without blur. fov_deg is across the width; pixels are square."""

    height: int
    width: int
    fov_deg: float
    world_from_camera: Pose

    def __post_init__(self) -> None:
        require_field_of_view("fov_deg", self.fov_deg)

    @property
    def focal_px(self) -> float:
        """Focal length in pixels."""
        return 0.5 * self.width / math.tan(math.radians(self.fov_deg) / 2.0)

    def rays(self) -> npt.NDArray[np.float64]:
        """What each pixel's centre sees at depth 1, [H, W, 3] in the camera's axes."""
        y, x = np.mgrid[: self.height, : self.width] + 0.5
        x, y = x - self.width / 2.0, y - self.height / 2.0
        return np.stack([x / self.focal_px, y / self.focal_px, np.ones_like(x)], axis=-1)


def aperture_radius_m(lens: Lens, fov_deg: float) -> float:
    """Radius of the opening with which a camera of this field of view blurs as `lens` does.

    A camera of focal length F px and opening A blurs a depth D by F A |1/D - 1/S1| px. The lens's
    own formula (`optics.signed_radius_px`) is the same with another factor, in frame widths.
    """
    focal_widths = 0.5 / math.tan(math.radians(fov_deg) / 2.0)
    return lens.radius_per_defocus_px(1) / focal_widths


def to_inverse_depth(depth_m: Any) -> npt.NDArray[np.float16]:
    """Inverse depth in 1/m as it is stored; infinity becomes 0."""
    with np.errstate(divide="ignore"):
        return (1.0 / np.asarray(depth_m, dtype=np.float64)).astype(np.float16)
