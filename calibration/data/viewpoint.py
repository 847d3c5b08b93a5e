"""Where a camera stands in a layout, which way it looks, and how it and one body move."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bokehflow.calibration.data.layout import Body, Layout, triple
from bokehflow.calibration.data.pinhole import FOV_RANGE_DEG, Pinhole
from bokehflow.calibration.data.pose import Pose, camera_pose, moved, yaw_towards

SHORTEST_M, CLOSE_M = 0.22, 0.5
MOST_CLOSE = 0.4
"""At most this share of the frame may be nearer than CLOSE_M."""
LEAST_SPREAD = 2.2
"""The far side of a view is at least so many times as far away as the near side."""
AIM_REACH_M = 14.0
GAP_M = 0.12
TARGET_DISTANCE_M = (0.6, 6.0)
TRIES = 40


@dataclass(frozen=True)
class Viewpoint:
    """A camera and its steady motion: metres and degrees a frame in its own axes."""

    fov_deg: float
    pose: Pose
    velocity_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rates_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def camera(self, height: int, width: int, frame: int) -> Pinhole:
        """The camera at a frame."""
        pose = moved(self.pose, self.velocity_m, self.rates_deg, frame)
        return Pinhole(height, width, self.fov_deg, pose)


def choose_viewpoint(rng: np.random.Generator, layout: Layout, moving: bool) -> Viewpoint:
    """A camera that stands outside all furniture and looks at some of it."""
    fov = float(rng.uniform(*FOV_RANGE_DEG))
    low, high = np.array(layout.bounds_m[0]), np.array(layout.bounds_m[1])
    place, yaw, pitch = low, 0.0, 0.0
    for _ in range(TRIES):
        place, yaw, pitch = _stand_and_look(rng, layout, low, high, fov)
        inside = bool(np.all((place >= low) & (place <= high)))
        if inside and not any(body.holds(place, GAP_M) for body in layout.bodies):
            break
        place = np.clip(place, low, high)
    pose = camera_pose(place, yaw, pitch, float(rng.normal(0.0, 2.0)))
    if not moving:
        return Viewpoint(fov, pose)
    speed, turning = rng.uniform(0.0, 0.05), rng.uniform(0.0, 1.2)
    velocity = speed * rng.normal(0.0, (0.7, 0.3, 0.7))
    rates = turning * rng.normal(0.0, (0.4, 0.8, 0.2))
    return Viewpoint(fov, pose, triple(velocity), triple(rates))


def _stand_and_look(
    rng: np.random.Generator,
    layout: Layout,
    low: npt.NDArray[np.float64],
    high: npt.NDArray[np.float64],
    fov_deg: float,
) -> tuple[npt.NDArray[np.float64], float, float]:
    """A place, and the yaw and pitch that bring a body into the picture, not quite centred."""
    aims = [body for body in layout.bodies if np.hypot(*body.middle_m[[0, 2]]) < AIM_REACH_M]
    if aims and rng.random() < 0.85:
        body = aims[int(rng.integers(len(aims)))]
        target = body.middle_m
        bearing = rng.uniform(0.0, 2 * math.pi)
        reach = float(np.exp(rng.uniform(*np.log(TARGET_DISTANCE_M))))
        place = target + reach * np.array([math.cos(bearing), 0.0, math.sin(bearing)])
        place[1] = rng.uniform(low[1], high[1])
        yaw = yaw_towards(place, target) + rng.uniform(-0.35, 0.35) * fov_deg
        flat = math.hypot(target[0] - place[0], target[2] - place[2])
        pitch = math.degrees(math.atan2(target[1] - place[1], max(flat, 0.3)))
        return place, yaw, float(np.clip(0.7 * pitch + rng.normal(0.0, 5.0), -50.0, 25.0))
    place = rng.uniform(low, high)
    return place, float(rng.uniform(0.0, 360.0)), float(rng.normal(-5.0, 8.0))


def is_open(depth_m: npt.NDArray[np.float64]) -> bool:
    """Whether a view is worth a clip: nothing before the lens, and not all of it a wall."""
    nearest, near, far = np.quantile(np.minimum(depth_m, 1e4), (0.002, 0.05, 0.95))
    clear = nearest > SHORTEST_M and (depth_m < CLOSE_M).mean() <= MOST_CLOSE
    return bool(clear and far > LEAST_SPREAD * near)


def set_in_motion(rng: np.random.Generator, layout: Layout, camera: Pinhole) -> int | None:
    """Give the body nearest to the middle of the picture a steady motion, in place.

    Returns its number, or None where no body is in the picture.
    """
    best: tuple[float, int] | None = None
    for index, body in enumerate(layout.bodies):
        seen = np.linalg.inv(camera.world_from_camera) @ np.append(body.middle_m, 1.0)
        if seen[2] < 0.4 or seen[2] > 12.0:
            continue
        aside = float(np.hypot(seen[0], seen[1]) / seen[2])
        if aside < 0.5 * camera.width / camera.focal_px and (best is None or aside < best[0]):
            best = (aside, index)
    if best is None:
        return None
    layout.bodies[best[1]] = _moving(rng, layout.bodies[best[1]])
    return best[1]


def _moving(rng: np.random.Generator, body: Body) -> Body:
    speed = rng.uniform(0.01, 0.06)
    bearing = rng.uniform(0.0, 2 * math.pi)
    velocity = (float(speed * math.cos(bearing)), 0.0, float(speed * math.sin(bearing)))
    return dataclasses.replace(body, velocity_m=velocity, yaw_rate_deg=float(rng.normal(0.0, 2.0)))
