"""A workshop or garage: bare and pale walls, boards, shelves of boxes, vehicles indoors.

Rooms hold furniture in front of patterned walls; here what is pale and plain is near, which sky is
not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bokehflow.calibration.data.clip import Asset
from bokehflow.calibration.data.furnishing import Furnishing
from bokehflow.calibration.data.furniture import Furniture
from bokehflow.calibration.data.layout import Layout, Quad, Texture, solid, triple
from bokehflow.calibration.data.pose import Pose, shift, turn
from bokehflow.calibration.data.surface_textures import (
    bare_wall_texture,
    board_texture,
    carton_texture,
    ceiling_texture,
    concrete_texture,
    picture_texture,
    plank_texture,
)

CATEGORIES = ("Vehicles", "Exterior", "Miscellaneous", "Office", "Living room")
SHELF_DEPTH_M = (0.3, 0.6)
PROUD_M = 0.003
"""So far before its wall, or before the board hung last, a board hangs: two may overlap."""
POST_M, PLANK_M = 0.04, 0.03


def make_workshop(rng: np.random.Generator, items: Sequence[Furniture], split: str) -> Layout:
    """A room of 3 to 9 metres a side, centred on the origin, its floor at y = 0."""
    width, depth = rng.uniform(3.0, 9.0), rng.uniform(3.5, 9.0)
    height = rng.uniform(2.3, 4.0)
    low, high = (-width / 2 + 0.3, 0.3, -depth / 2 + 0.3), (width / 2 - 0.3, 1.9, depth / 2 - 0.3)
    layout = Layout((low, high), ambient=float(rng.uniform(0.25, 0.8)))
    walls = _walls(width, depth)
    _shell(layout, rng, walls, width, height, depth)
    _lamps(layout, rng, width, height, depth)
    for number in range(int(rng.integers(1, 6))):
        _board(layout, rng, split, walls, height, (number + 1) * PROUD_M)
    room = Furnishing(layout, rng, (width, height, depth))
    for _ in range(int(rng.integers(0, 4))):
        _shelf(room, walls)
    _furnish(room, items)
    return layout


def _walls(w: float, d: float) -> list[tuple[Pose, float]]:
    """Each wall's pose, x along it from its middle and z into the room, and its length."""
    return [
        (turn(1, 90.0 * quarter) @ shift(0.0, 0.0, -out / 2), along)
        for quarter, (along, out) in enumerate([(w, d), (d, w), (w, d), (d, w)])
    ]


def _shell(
    layout: Layout,
    rng: np.random.Generator,
    walls: list[tuple[Pose, float]],
    w: float,
    h: float,
    d: float,
) -> None:
    x, z = w / 2, d / 2
    floor = Quad((-x, 0, z), (w, 0, 0), (0, 0, -d), concrete_texture(rng), rng.uniform(2.0, 5.0))
    over = ceiling_texture(rng) if rng.random() < 0.6 else plank_texture(rng)
    layout.quads += [floor, Quad((-x, h, -z), (w, 0, 0), (0, 0, d), over, 2.0)]
    common = bare_wall_texture(rng)
    for wall, along in walls:
        texture = bare_wall_texture(rng) if rng.random() < 0.5 else common
        layout.quads.append(_upright(wall, -along / 2, 0.0, (along, h), 0.0, texture, 2.5))


def _lamps(layout: Layout, rng: np.random.Generator, w: float, h: float, d: float) -> None:
    """One to three tubes under the ceiling."""
    count = int(rng.integers(1, 4))
    warm = np.array([1.0, rng.uniform(0.75, 1.0), rng.uniform(0.5, 1.0)])
    half_x, half_z = rng.uniform(0.1, 0.4), rng.uniform(0.3, 0.7)
    radiance = warm * rng.uniform(3.0, 8.0) * w * d / (12.0 * half_x * half_z * count)
    light = triple(radiance)
    for _ in range(count):
        x, z = rng.uniform(-0.5, 0.5) * (w - 1.0), rng.uniform(-0.5, 0.5) * (d - 1.5)
        corner = (float(x - half_x), h - 0.02, float(z - half_z))
        layout.quads.append(Quad(corner, (2 * half_x, 0, 0), (0, 0, 2 * half_z), radiance=light))


def _board(
    layout: Layout,
    rng: np.random.Generator,
    split: str,
    walls: list[tuple[Pose, float]],
    h: float,
    proud_m: float,
) -> None:
    """What hangs on a wall: a board, blind or door, mostly nearly white, a poster or a window."""
    wall, along = walls[int(rng.integers(4))]
    wide = min(rng.uniform(0.4, 2.4), 0.8 * along)
    low = 0.0 if rng.random() < 0.25 else rng.uniform(0.3, 1.3)
    tall = min(rng.uniform(0.5, 2.1), h - 0.05 - low)
    left = rng.uniform(-0.5, 0.5) * (along - wide) - wide / 2
    assets: list[Asset] = []
    texture = board_texture(rng)
    if rng.random() < 0.15:
        texture, assets = picture_texture(rng, split)
    panel = _upright(wall, left, low, (wide, tall), proud_m, texture)
    if rng.random() < 0.2:
        sky = np.array([rng.uniform(0.75, 1.0), 0.95, 1.0]) * rng.uniform(1.0, 10.0)
        panel = Quad(panel.corner_m, panel.edge_u_m, panel.edge_v_m, radiance=triple(sky))
    else:
        layout.assets += assets
    layout.quads.append(panel)


def _shelf(room: Furnishing, walls: list[tuple[Pose, float]]) -> None:
    """Two to four planks on posts along a wall, cartons and tubs on them."""
    rng, (_, h, _) = room.rng, room.size_m
    wall, along = walls[int(rng.integers(4))]
    wide, deep = min(rng.uniform(0.8, 3.0), along - 0.3), rng.uniform(*SHELF_DEPTH_M)
    middle = wall @ shift(rng.uniform(-0.5, 0.5) * (along - wide - 0.2), 0.0, deep / 2 + 0.02)
    size = np.abs(middle[:3, :3] @ np.array([wide, 0.0, deep]))
    if not room.plan.take(middle[0, 3], middle[2, 3], float(size[0]), float(size[2])):
        return
    tall = min(rng.uniform(1.2, 2.4), h - 0.3)
    count = int(rng.integers(2, 5))
    wood = plank_texture(rng) if rng.random() < 0.5 else board_texture(rng)
    for x in (-wide / 2, wide / 2 - POST_M):
        for z in (-deep / 2, deep / 2 - POST_M):
            room.layout.quads += solid(middle, (x, 0.0, z), (POST_M, tall, POST_M), wood)
    step = (tall - 0.1) / count
    for level in range(count):
        foot = 0.1 + level * step
        corner, plank = (-wide / 2, foot, -deep / 2), (wide, PLANK_M, deep)
        room.layout.quads += solid(middle, corner, plank, wood)
        _load(room, middle, foot + PLANK_M, (wide, 0.9 * (step - PLANK_M), deep))


def _load(room: Furnishing, middle: Pose, foot: float, space: tuple[float, float, float]) -> None:
    """Boxes side by side on a plank, with gaps between them."""
    rng, (wide, tall, deep) = room.rng, space
    x = -wide / 2 + POST_M + rng.uniform(0.0, 0.3)
    while x < wide / 2 - 0.2:
        size = (
            min(rng.uniform(0.15, 0.6), wide / 2 - POST_M - x),
            rng.uniform(0.3, 1.0) * tall,
            rng.uniform(0.5, 1.0) * deep,
        )
        box = carton_texture(rng)
        z = rng.uniform(-0.5, 0.5) * (deep - size[2]) - size[2] / 2
        room.layout.quads += solid(middle, (x, foot, z), size, box)
        x += size[0] + max(0.01, rng.exponential(0.15))


def _furnish(room: Furnishing, items: Sequence[Furniture]) -> None:
    rng, (w, h, d) = room.rng, room.size_m
    inside = [item for item in items if not item.door_or_window and item.size_m[1] < h - 0.3]
    ours = [item for item in inside if item.category in CATEGORIES]
    standing = [item for item in ours if item.elevation_m < 0.05 and max(item.size_m) > 0.35]
    vehicles = [item for item in standing if item.category == "Vehicles"]
    people = [item for item in inside if item.category == "Characters" and item.elevation_m < 0.05]
    small = [item for item in ours if max(item.size_m) <= 0.45]
    crowd = w * d / 25.0
    room.put(rng.integers(0, 3), vehicles, room.anywhere)
    room.put(rng.integers(2, 8) * crowd, standing, room.at_wall)
    room.put(rng.integers(0, 3), people, room.anywhere)
    room.put(rng.integers(1, 6) * crowd, standing, room.anywhere)
    room.put_on_tops(small)


def _upright(
    wall: Pose,
    left: float,
    low: float,
    size: tuple[float, float],
    proud_m: float,
    texture: Texture,
    repeat_m: float | None = None,
) -> Quad:
    """A rectangle that stands parallel to a wall, in that wall's axes."""
    corner = wall @ np.array([left, low, proud_m, 1.0])
    return Quad(
        triple(corner),
        triple(size[0] * wall[:3, 0]),
        (0.0, size[1], 0.0),
        texture,
        repeat_m,
    )
