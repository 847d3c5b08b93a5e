"""Rigid poses as 4x4 matrices, float64.

The world has x to the right, y up and looks along -z, in metres, as OBJ files do. A camera has x to
the right, y down and looks along +z, so that its coordinates are those of the picture.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Pose = npt.NDArray[np.float64]
CAMERA_AXES: Pose = np.diag([1.0, -1.0, -1.0, 1.0])
"""The axes of a camera that stands upright at the origin and looks along -z of the world."""


def shift(x: float, y: float, z: float) -> Pose:
    """A translation in metres."""
    pose = np.eye(4)
    pose[:3, 3] = (x, y, z)
    return pose


def turn(axis: int, angle_deg: float) -> Pose:
    """A right-handed rotation about axis 0, 1 or 2 (x, y or z)."""
    angle = math.radians(angle_deg)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    pose = np.eye(4)
    pose[first, first] = pose[second, second] = math.cos(angle)
    pose[second, first] = math.sin(angle)
    pose[first, second] = -math.sin(angle)
    return pose


def inverse(pose: Pose) -> Pose:
    """The inverse of a rigid pose."""
    result = np.eye(4)
    result[:3, :3] = pose[:3, :3].T
    result[:3, 3] = -pose[:3, :3].T @ pose[:3, 3]
    return result


def camera_pose(
    position_m: npt.ArrayLike, yaw_deg: float, pitch_deg: float, roll_deg: float
) -> Pose:
    """Where a camera stands. Yaw turns left, pitch up, roll against the clock as it sees."""
    place = np.asarray(position_m, dtype=np.float64)
    turned: Pose = turn(1, yaw_deg) @ turn(0, pitch_deg) @ turn(2, roll_deg)
    result: Pose = shift(*place.tolist()) @ turned @ CAMERA_AXES
    return result


def yaw_towards(from_m: Any, to_m: Any) -> float:
    """The yaw in degrees with which a camera at one place faces another."""
    return math.degrees(math.atan2(from_m[0] - to_m[0], from_m[2] - to_m[2]))


def moved(pose: Pose, velocity_m: npt.ArrayLike, rates_deg: npt.ArrayLike, frames: float) -> Pose:
    """A pose after some frames of steady motion in its own axes.

    velocity_m: metres a frame along its x, y, z. rates_deg: degrees a frame about them.
    """
    step = np.asarray(velocity_m, dtype=np.float64) * frames
    angle = np.asarray(rates_deg, dtype=np.float64) * frames
    result = pose @ shift(*step.tolist())
    for axis in range(3):
        result = result @ turn(axis, float(angle[axis]))
    return result
