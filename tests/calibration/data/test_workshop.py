"""Workshops: everything inside four walls, pale boards on them, shelves that stand in nothing."""

from __future__ import annotations

import numpy as np
import pytest

from bokehflow.calibration.data import furniture
from bokehflow.calibration.data.furniture import catalogue
from bokehflow.calibration.data.layout import Layout, Quad, solid
from bokehflow.calibration.data.pose import shift, turn
from bokehflow.calibration.data.workshop_layout import make_workshop
from tests import tolerances as tol

furnished = pytest.mark.skipif(
    not furniture.LIBRARY_FOLDER.is_dir(), reason=f"{furniture.APT_PACKAGE} is not installed"
)
SEEDS = range(12)
SHELL = 6
"""Floor, ceiling and walls come first."""


def corners(quad: Quad) -> np.ndarray:
    """The corners [4, 3] of a rectangle, in metres."""
    corner, u, v = (np.array(edge) for edge in (quad.corner_m, quad.edge_u_m, quad.edge_v_m))
    return np.stack([corner, corner + u, corner + u + v, corner + v])


def workshop(seed: int) -> Layout:
    """A workshop of meshes to train on."""
    return make_workshop(np.random.default_rng(seed), catalogue(), "train")


def test_a_box_has_six_sides_that_close_it() -> None:
    size = (0.4, 0.3, 0.2)
    pose = shift(1.0, 0.0, -2.0) @ turn(1, 30.0)
    quads = solid(pose, (0.1, 0.5, -0.1), size, np.ones((1, 1, 3), np.float32))
    own = [
        (np.linalg.inv(pose) @ np.c_[corners(quad), np.ones(4)].T).T[:, :3] - (0.1, 0.5, -0.1)
        for quad in quads
    ]
    assert len(own) == 6
    middles = np.stack([points.mean(0) for points in own]) - np.array(size) / 2
    facing = [np.cross(points[1] - points[0], points[3] - points[0]) for points in own]
    assert (np.sum(facing * middles, axis=1) > 0).all()  # out of the box
    faces = set()
    for points in own:
        np.testing.assert_allclose(
            np.minimum(abs(points), abs(points - size)), 0.0, atol=tol.PLACED_M
        )
        flat = np.flatnonzero(np.ptp(points, axis=0) < tol.PLACED_M)
        assert len(flat) == 1
        faces.add((int(flat[0]), bool(points[0, flat[0]] > tol.PLACED_M)))
    assert len(faces) == 6


@furnished
@pytest.mark.parametrize("seed", SEEDS)
def test_walls_enclose_all_that_hangs_on_them_and_stands_before_them(seed: int) -> None:
    layout = workshop(seed)
    floor = corners(layout.quads[0])
    low, high = floor.min(0) - tol.PLACED_M, floor.max(0) + tol.PLACED_M
    height = max(corners(quad)[:, 1].max() for quad in layout.quads[:2])
    for quad in layout.quads:
        points = corners(quad)
        assert (points[:, [0, 2]] >= low[[0, 2]]).all()
        assert (points[:, [0, 2]] <= high[[0, 2]]).all()
        assert points[:, 1].min() >= -tol.PLACED_M
        assert points[:, 1].max() <= height + tol.PLACED_M
    for body in layout.bodies:
        assert (body.middle_m[[0, 2]] > low[[0, 2]]).all()
        assert (body.middle_m[[0, 2]] < high[[0, 2]]).all()


def is_large_and_pale(quad: Quad) -> bool:
    """Whether it is half a square metre or more that reflects a third of the light."""
    area = float(np.linalg.norm(quad.edge_u_m) * np.linalg.norm(quad.edge_v_m))
    return quad.texture is not None and area > 0.5 and float(np.median(quad.texture)) > 0.33


@furnished
def test_most_workshops_have_large_pale_boards() -> None:
    having = [any(map(is_large_and_pale, workshop(seed).quads[SHELL:])) for seed in SEEDS]
    assert sum(having) > 0.6 * len(SEEDS)


@furnished
@pytest.mark.parametrize("seed", SEEDS)
def test_no_two_boards_hang_in_one_plane(seed: int) -> None:
    flat = [quad for quad in workshop(seed).quads[SHELL:] if quad.edge_v_m[0] == quad.edge_v_m[2]]
    planes = []
    for quad in flat:
        normal = np.cross(quad.edge_u_m, quad.edge_v_m)
        if abs(normal[1]) < tol.PLACED_M:
            normal = normal / np.linalg.norm(normal)
            planes.append((*normal.round(6), round(float(normal @ quad.corner_m), 6)))
    boards = planes[:5]
    assert len(set(boards)) == len(boards)


@furnished
def test_a_workshop_credits_what_it_shows() -> None:
    for seed in range(40):
        layout = workshop(seed)
        shown = sum(quad.texture is not None and is_poster(quad) for quad in layout.quads[SHELL:])
        assert len(layout.assets) <= shown


def is_poster(quad: Quad) -> bool:
    """Whether it has more colours than boards, boxes and wood have."""
    return quad.texture is not None and len(np.unique(quad.texture.round(2))) > 20


@furnished
def test_the_same_seed_makes_the_same_workshop() -> None:
    one, other = workshop(5), workshop(5)
    assert [body.item.name for body in one.bodies] == [body.item.name for body in other.bodies]
    assert [quad.corner_m for quad in one.quads] == [quad.corner_m for quad in other.quads]
