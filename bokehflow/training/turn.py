"""A camera turned on the spot: the same points at other pixels and other depths, all of it exact.

Nothing is hidden or revealed by a turn, so a still and its depth show what the turned camera would
have seen. Most rendered cameras stand upright; those that people hold do not.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.calibration.data.pose import turn
from bokehflow.specs import Size

MOST_ASIDE = 0.1
"""Of the place at which a turned camera looks, from the view's middle, in its widths."""
MOST_ROLL_DEG = 10.0
WIDEST_ZOOM = 8.0
_HALVINGS = 24


class Turn(NamedTuple):
    """Where the camera looks, in the view's widths right of and below its middle, and its roll in
    degrees, with the clock as it sees."""

    right: float
    down: float
    roll_deg: float


NO_TURN = Turn(0.0, 0.0, 0.0)


class TurnedView(NamedTuple):
    """What a turn makes of one view.

    to_source: [3, 3], from a place (x, y, 1) in the turned view to (x z, y z, z): the place in the
    view that it shows, and by what its inverse depth grows; in widths, from the middle. zoom: focal
    length over the view's, as much as it takes to see nothing outside of that.
    """

    to_source: npt.NDArray[np.float64]
    zoom: float


def random_turn(rng: np.random.Generator) -> Turn:
    """A turn as hands make them."""
    right, down = rng.uniform(-MOST_ASIDE, MOST_ASIDE, size=2)
    return Turn(float(right), float(down), float(rng.uniform(-MOST_ROLL_DEG, MOST_ROLL_DEG)))


def turned_view(
    view_turn: Turn, fov_deg: float, target: Size, axis: tuple[float, float] = (0.0, 0.0)
) -> TurnedView:
    """A turn of the camera that sees `fov_deg` across a view of the target's shape.

    axis: where the camera's own axis meets the picture, from the view's middle, in its widths:
    beside it where the view is part of a frame.
    """
    focal = 0.5 / math.tan(math.radians(fov_deg / 2.0))
    x, y = axis
    around = _towards(-x / focal, -y / focal)
    own = _towards(view_turn.right / focal, view_turn.down / focal) @ turn(2, view_turn.roll_deg)
    rotation = (around @ own @ around.T)[:3, :3]
    to_place = np.array([[focal, 0.0, x], [0.0, focal, y], [0.0, 0.0, 1.0]])

    def to_source(zoom: float) -> npt.NDArray[np.float64]:
        to_ray = np.array([[1.0, 0.0, -x * zoom], [0.0, 1.0, -y * zoom], [0.0, 0.0, focal * zoom]])
        result: npt.NDArray[np.float64] = to_place @ rotation @ to_ray / (focal * zoom)
        return result

    low, high = 1.0, WIDEST_ZOOM
    if not _lies_inside(to_source(high), target):
        return TurnedView(np.eye(3), 1.0)
    if _lies_inside(to_source(low), target):
        high = low
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if _lies_inside(to_source(middle), target) else (middle, high)
    return TurnedView(to_source(high), high)


def _towards(right: float, down: float) -> npt.NDArray[np.float64]:
    """The pose whose axis lies along (right, down, 1), level."""
    yaw, pitch = math.atan(right), math.atan2(-down, math.hypot(1.0, right))
    return turn(1, math.degrees(yaw)) @ turn(0, math.degrees(pitch))


def turn_views(frames: Tensor, inverse_depth: Tensor, to_source: Tensor) -> tuple[Tensor, Tensor]:
    """Views [B, n, 3, H, W] and inverse depth [B, n, 1, H, W] as the turned cameras see them.

    to_source: [B, 3, 3] of a `TurnedView`. Pictures are interpolated, depths are not mixed. What
    the zoom makes of depth is the field of view's business, as that of any crop.
    """
    batch, count, _, height, width = frames.shape
    # In float64, so that the nearest pixel does not hang on the order of a sum.
    line = torch.arange(max(height, width), dtype=torch.float64, device=frames.device) + 0.5
    x, y = line[:width] / width - 0.5, (line[:height] - 0.5 * height) / width
    places = torch.stack([x.expand(height, -1), y[:, None].expand(-1, width)], dim=-1)
    places = torch.cat([places, torch.ones_like(places[..., :1])], dim=-1)
    seen = torch.einsum("hwc,bdc->bhwd", places, to_source.to(places))
    growth = seen[..., 2]
    # grid_sample counts from -1 to 1 along both sides.
    grid = 2.0 * seen[..., :2] / growth[..., None] * seen.new_tensor([1.0, width / height])
    grid, growth = (m.to(frames.dtype).repeat_interleave(count, 0) for m in (grid, growth))

    def sampled(maps: Tensor, mode: str) -> Tensor:
        found = F.grid_sample(
            maps.flatten(0, 1), grid, mode, padding_mode="border", align_corners=False
        )
        return found.view(batch, count, *found.shape[1:])

    depth = sampled(inverse_depth, "nearest") * growth.view(batch, count, 1, height, width)
    return sampled(frames, "bilinear"), depth


def _lies_inside(to_source: npt.NDArray[np.float64], target: Size) -> bool:
    """Whether the corners of the turned view, and so all of it, show places of the view."""
    tall = 0.5 * target.height / target.width
    corners = np.array([(x, y, 1.0) for x in (-0.5, 0.5) for y in (-tall, tall)])
    seen = corners @ to_source.T
    if (seen[:, 2] <= 0.0).any():
        return False
    x, y = np.abs(seen[:, :2] / seen[:, 2:]).T
    return bool((x <= 0.5).all() and (y <= tall).all())
