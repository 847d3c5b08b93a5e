"""Where each pixel was one frame ago, from exact depth and known motion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import scipy.ndimage

from bokehflow.calibration.data.pinhole import Pinhole
from bokehflow.calibration.data.pose import Pose, inverse

Array = npt.NDArray[np.float64]
HIDDEN_REL, HIDDEN_PER_M = 0.03, 2e-3
"""A point whose inverse depth differs by more than this from what was seen there was hidden."""


def backward_flow(
    now: Pinhole,
    before: Pinhole,
    inverse_depth_now: Array,
    inverse_depth_before: Array,
    bodies: npt.NDArray[np.integer],
    poses_now: Sequence[Pose],
    poses_before: Sequence[Pose],
) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.bool_]]:
    """Flow [H, W, 2] in pixels (x, y) from a frame to the one before, and where it holds [H, W].

    inverse_depth_*: [H, W] in 1/m. bodies: [H, W], which rigid body each pixel of the frame shows,
    an index into the poses (world from body) that the bodies have now and had before. A place
    outside the frame before, behind its camera or hidden in it is not valid.
    """
    rays, q = now.rays(), inverse_depth_now[:, :, None]
    seen = np.zeros_like(rays)
    for body, (pose_now, pose_before) in enumerate(zip(poses_now, poses_before, strict=True)):
        # At depth 1/q a pixel shows the point ray / q; times q, which keeps infinity finite.
        motion = inverse(before.world_from_camera) @ pose_before
        motion = motion @ inverse(pose_now) @ now.world_from_camera
        mask = bodies == body
        seen[mask] = rays[mask] @ motion[:3, :3].T + q[mask] * motion[:3, 3]
    in_front = seen[:, :, 2] > 1e-6
    z = np.where(in_front, seen[:, :, 2], 1.0)
    x = seen[:, :, 0] / z * before.focal_px + before.width / 2.0 - 0.5
    y = seen[:, :, 1] / z * before.focal_px + before.height / 2.0 - 0.5
    inside = (x >= 0) & (x <= before.width - 1) & (y >= 0) & (y <= before.height - 1)
    expected = inverse_depth_now / z
    found = scipy.ndimage.map_coordinates(inverse_depth_before, [y, x], order=1, mode="nearest")
    visible = np.abs(found - expected) <= HIDDEN_REL * expected + HIDDEN_PER_M
    rows, cols = np.mgrid[: now.height, : now.width]
    flow = np.stack([x - cols, y - rows], axis=-1)
    valid = in_front & inside & visible
    return np.where(valid[:, :, None], flow, 0.0).astype(np.float16), valid
