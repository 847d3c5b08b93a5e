"""A camera turned on the spot, against scenes whose every view is known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from bokehflow.errors import UsageError
from bokehflow.specs import Size
from bokehflow.training.turn import (
    MOST_ROLL_DEG,
    NO_TURN,
    Turn,
    random_turn,
    turn_views,
    turned_view,
)
from bokehflow.training.view import View, axis_in
from tests.tolerances import FP32_EQUAL, TURNED_DEPTH_PX, TURNED_PICTURE, TURNED_SPHERE
from tests.training.samples import stage

SIZE = Size(120, 160)
TURNS = [
    Turn(0.1, 0.0, 0.0),
    Turn(0.0, -0.1, 0.0),
    Turn(0.0, 0.0, 10.0),
    Turn(-0.07, 0.05, -8.0),
]
NORMAL = np.array([0.1, 0.35, 0.5])
"""Of a plane, over its distance: inverse depth along a ray (x, y, 1) is their product, in 1/m."""


def _rays(
    size: Size, fov_deg: float, axis: tuple[float, float] = (0.0, 0.0), zoom: float = 1.0
) -> np.ndarray:
    """(x, y, 1) of every pixel's middle, [H, W, 3], of a view `zoom` times as narrow about its
    middle; axis: of the camera, in widths of the view from there."""
    wide = 2.0 * math.tan(math.radians(fov_deg / 2.0))
    x = ((np.arange(size.width) + 0.5) / size.width - 0.5) / zoom - axis[0]
    y = (np.arange(size.height) + 0.5 - 0.5 * size.height) / size.width / zoom - axis[1]
    rays = np.stack(np.broadcast_arrays(x[None] * wide, y[:, None] * wide, 1.0), axis=-1)
    return np.asarray(rays)


def _rotation(turn: Turn, fov_deg: float) -> np.ndarray:
    """From the turned camera's axes to the view's, by two reflections' worth of plain geometry: its
    axis is the ray at which it looks, its right is level before the roll."""
    wide = 2.0 * math.tan(math.radians(fov_deg / 2.0))
    axis = np.array([turn.right * wide, turn.down * wide, 1.0])
    axis /= np.linalg.norm(axis)
    right = np.cross([0.0, 1.0, 0.0], axis)
    right /= np.linalg.norm(right)
    down = np.cross(axis, right)
    roll = math.radians(turn.roll_deg)
    rolled = math.cos(roll) * right + math.sin(roll) * down
    return np.stack([rolled, np.cross(axis, rolled), axis], axis=1)


def _picture(rays: np.ndarray) -> np.ndarray:
    """A smooth colour for every direction, [3, H, W]."""
    x, y, z = np.moveaxis(rays / np.linalg.norm(rays, axis=-1, keepdims=True), -1, 0)
    return 0.5 + 0.4 * np.stack([np.sin(5 * x), np.cos(4 * y), np.sin(3 * x * y + z)])


def _tensor(values: np.ndarray) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)[None, None]


@pytest.mark.parametrize("fov_deg", [25.0, 70.0])
@pytest.mark.parametrize("turn", TURNS)
def test_a_turned_view_is_what_the_turned_camera_would_have_seen(
    turn: Turn, fov_deg: float
) -> None:
    rays = _rays(SIZE, fov_deg)
    seen = turned_view(turn, fov_deg, SIZE)
    matrix = torch.tensor(seen.to_source)[None]
    frames, depth = turn_views(_tensor(_picture(rays)), _tensor((rays @ NORMAL)[None]), matrix)

    narrowed = 2.0 * math.degrees(math.atan(math.tan(math.radians(fov_deg / 2.0)) / seen.zoom))
    own = _rays(SIZE, narrowed)
    there = own @ _rotation(turn, fov_deg).T
    assert np.abs(frames[0, 0].numpy() - _picture(there)).max() < TURNED_PICTURE
    wanted = there @ NORMAL
    # A depth is that of the nearest pixel of the view: right within half of such a pixel's slope.
    slope = np.abs(np.stack(np.gradient(rays @ NORMAL))).sum(0).max()
    assert np.abs(depth[0, 0, 0].numpy() - wanted).max() < TURNED_DEPTH_PX * slope


@pytest.mark.parametrize("axis", [(0.3, 0.0), (-0.25, 0.3)], ids=str)
@pytest.mark.parametrize("turn", TURNS)
def test_a_part_of_a_frame_turns_about_what_it_shows(turn: Turn, axis: tuple[float, float]) -> None:
    fov_deg = 70.0
    rays = _rays(SIZE, fov_deg, axis)
    seen = turned_view(turn, fov_deg, SIZE, axis)
    frames, depth = turn_views(
        _tensor(_picture(rays)),
        _tensor((rays @ NORMAL)[None]),
        torch.tensor(seen.to_source)[None],
    )
    # The same turn as that of a camera which looks at the view's middle, between its axes and ours.
    middle = _rotation(Turn(-axis[0], -axis[1], 0.0), fov_deg)
    rotation = middle @ _rotation(turn, fov_deg) @ middle.T
    there = _rays(SIZE, fov_deg, axis, seen.zoom) @ rotation.T
    assert np.abs(frames[0, 0].numpy() - _picture(there)).max() < TURNED_PICTURE
    slope = np.abs(np.stack(np.gradient(rays @ NORMAL))).sum(0).max()
    assert np.abs(depth[0, 0, 0].numpy() - there @ NORMAL).max() < TURNED_DEPTH_PX * slope


def test_the_axis_of_a_view_is_where_the_frames_middle_lies() -> None:
    frame, gains = Size(100, 200), (1.0, 1.0, 1.0)
    assert axis_in(View(0, 0, 100, 200, False, gains), frame) == (0.0, 0.0)
    assert axis_in(View(0, 0, 50, 100, False, gains), frame) == (0.5, 0.25)
    assert axis_in(View(0, 0, 50, 100, True, gains), frame) == (-0.5, 0.25)


def test_depth_grows_where_the_axis_turned_away() -> None:
    """A sphere around the camera: 1 m along every ray, so inverse depth is 1 over the cosine."""
    rays = _rays(SIZE, 60.0)
    sphere = np.linalg.norm(rays, axis=-1)[None]
    seen = turned_view(TURNS[3], 60.0, SIZE)
    _, depth = turn_views(
        _tensor(_picture(rays)), _tensor(sphere), torch.tensor(seen.to_source)[None]
    )
    half = math.tan(math.radians(30.0)) / seen.zoom
    wanted = np.linalg.norm(_rays(SIZE, 2.0 * math.degrees(math.atan(half))), axis=-1)
    assert np.abs(depth[0, 0, 0].numpy() / wanted - 1.0).max() < TURNED_SPHERE


@pytest.mark.parametrize("size", [Size(96, 128), Size(128, 96), Size(64, 64)], ids=str)
def test_a_view_lies_inside_and_no_further_than_it_must(size: Size) -> None:
    rng = np.random.default_rng(0)
    zooms = []
    for _ in range(40):
        turn, fov_deg = random_turn(rng), float(rng.uniform(10.0, 75.0))
        assert abs(turn.roll_deg) <= MOST_ROLL_DEG
        seen = turned_view(turn, fov_deg, size)
        tall = 0.5 * size.height / size.width
        corners = np.array([(x, y, 1.0) for x in (-0.5, 0.5) for y in (-tall, tall)])
        shown = corners @ seen.to_source.T
        beyond = np.abs(shown[:, :2] / shown[:, 2:]) / (0.5, tall)
        assert beyond.max() == pytest.approx(1.0, abs=FP32_EQUAL)
        zooms.append(seen.zoom)
    assert 1.0 <= min(zooms) < max(zooms) < 2.0


def test_a_view_too_wide_to_be_turned_shows_nothing_outside_either() -> None:
    rng, size = np.random.default_rng(0), Size(48, 256)
    tall = 0.5 * size.height / size.width
    corners = np.array([(x, y, 1.0) for x in (-0.5, 0.5) for y in (-tall, tall)])
    seen = [turned_view(random_turn(rng), float(rng.uniform(10.0, 75.0)), size) for _ in range(60)]
    for one in seen:
        shown = corners @ one.to_source.T
        assert (shown[:, 2] > 0.0).all()
        assert (np.abs(shown[:, :2] / shown[:, 2:]) <= np.add((0.5, tall), FP32_EQUAL)).all()
    assert 0 < sum(one.zoom == 1.0 for one in seen) < 40


def test_no_turn_leaves_a_view_as_it_is() -> None:
    rays = _rays(SIZE, 50.0)
    frames, depth = _tensor(_picture(rays)), _tensor((rays @ NORMAL)[None])
    seen = turned_view(NO_TURN, 50.0, SIZE)
    assert seen.zoom == 1.0
    same, same_depth = turn_views(frames, depth, torch.tensor(seen.to_source)[None])
    torch.testing.assert_close(same, frames, atol=TURNED_PICTURE, rtol=0.0)
    torch.testing.assert_close(same_depth, depth, atol=FP32_EQUAL, rtol=0.0)


def test_far_away_stays_far_away() -> None:
    seen = turned_view(TURNS[0], 50.0, SIZE)
    _, depth = turn_views(
        torch.zeros(1, 1, 3, 120, 160),
        torch.zeros(1, 1, 1, 120, 160),
        torch.tensor(seen.to_source)[None],
    )
    assert torch.equal(depth, torch.zeros_like(depth))


@pytest.mark.parametrize("other", [{"rendering": "predicted_depth"}, {"frames": 2}], ids=str)
def test_turns_are_for_the_depth_of_single_frames(other: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="turns in the stage"):
        stage(turns=0.5, **other)
