"""A furnished room: four walls, floor, ceiling, windows and lamps, furniture and people."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bokehflow.calibration.data.furniture import Furniture
from bokehflow.calibration.data.layout import Body, FloorPlan, Layout, Quad, footprint
from bokehflow.calibration.data.pose import shift, turn
from bokehflow.calibration.data.surface_textures import (
    ceiling_texture,
    floor_texture,
    picture_texture,
    wall_texture,
)

THEMES = ("Living room", "Kitchen", "Bedroom", "Bathroom", "Office")
TRIES = 6


def make_room(rng: np.random.Generator, items: Sequence[Furniture], split: str) -> Layout:
    """A room of 2.6 to 9 metres a side, centred on the origin, its floor at y = 0."""
    width, depth = rng.uniform(2.6, 7.0), rng.uniform(3.2, 9.0)
    height = rng.uniform(2.3, 3.2)
    low, high = (-width / 2 + 0.3, 0.3, -depth / 2 + 0.3), (width / 2 - 0.3, 1.9, depth / 2 - 0.3)
    layout = Layout((low, high), ambient=float(rng.uniform(0.25, 0.8)))
    _shell(layout, rng, width, height, depth)
    _windows_and_lamps(layout, rng, width, height, depth)
    for _ in range(int(rng.integers(0, 4))):
        _picture(layout, rng, split, width, height, depth)
    _furnish(layout, rng, items, width, height, depth)
    return layout


def _shell(layout: Layout, rng: np.random.Generator, w: float, h: float, d: float) -> None:
    x, z = w / 2, d / 2
    repeat = float(rng.uniform(1.0, 3.0))
    walls = wall_texture(rng)
    accent = wall_texture(rng) if rng.random() < 0.4 else walls
    floor, ceiling = floor_texture(rng), ceiling_texture(rng)
    layout.quads += [
        Quad((-x, 0, z), (w, 0, 0), (0, 0, -d), floor, repeat),
        Quad((-x, h, -z), (w, 0, 0), (0, 0, d), ceiling, 2.0),
        Quad((-x, 0, -z), (w, 0, 0), (0, h, 0), accent, 2.5),
        Quad((x, 0, z), (-w, 0, 0), (0, h, 0), walls, 2.5),
        Quad((-x, 0, z), (0, 0, -d), (0, h, 0), walls, 2.5),
        Quad((x, 0, -z), (0, 0, d), (0, h, 0), walls, 2.5),
    ]


def _windows_and_lamps(
    layout: Layout, rng: np.random.Generator, w: float, h: float, d: float
) -> None:
    """Light: a bright panel under the ceiling, and mostly a window in a side wall."""
    warm = np.array([1.0, rng.uniform(0.75, 1.0), rng.uniform(0.5, 1.0)])
    half_x, half_z = w * rng.uniform(0.06, 0.2), d * rng.uniform(0.06, 0.2)
    x, z = rng.uniform(-0.2, 0.2) * w, rng.uniform(-0.2, 0.2) * d
    power = rng.uniform(3.0, 8.0) * w * d / (12.0 * half_x * half_z)
    layout.quads.append(
        Quad(
            (x - half_x, h - 0.02, z - half_z),
            (2 * half_x, 0, 0),
            (0, 0, 2 * half_z),
            radiance=_triple(warm * power),
        )
    )
    if rng.random() < 0.7:
        side = float(rng.choice([-1.0, 1.0]))
        length, sill = min(rng.uniform(0.8, 2.5), 0.6 * d), rng.uniform(0.3, 1.0)
        top = rng.uniform(1.9, h - 0.1)
        z = rng.uniform(-0.5, 0.5) * (d - length)
        sky = np.array([rng.uniform(0.75, 1.0), 0.95, 1.0]) * rng.uniform(4.0, 14.0)
        corner = (side * (w / 2 - 0.01), sill, z - side * length / 2)
        layout.quads.append(
            Quad(corner, (0, 0, side * length), (0, top - sill, 0), radiance=_triple(sky))
        )


def _picture(
    layout: Layout, rng: np.random.Generator, split: str, w: float, h: float, d: float
) -> None:
    """A picture on the far or near wall."""
    texture, assets = picture_texture(rng, split)
    wide, tall = rng.uniform(0.3, 1.0), rng.uniform(0.3, 0.9)
    x, y = rng.uniform(-0.4, 0.4) * w, rng.uniform(1.0, max(1.1, h - 1.2))
    side = float(rng.choice([-1.0, 1.0]))
    corner = (x + side * wide / 2, y, side * (d / 2 - 0.015))
    layout.quads.append(Quad(corner, (-side * wide, 0, 0), (0, tall, 0), texture))
    layout.assets += assets


def _furnish(
    layout: Layout,
    rng: np.random.Generator,
    items: Sequence[Furniture],
    w: float,
    h: float,
    d: float,
) -> None:
    themes = set(rng.choice(THEMES, size=2, replace=False).tolist()) | {"Miscellaneous"}
    plan = FloorPlan()
    inside = [item for item in items if not item.door_or_window and item.size_m[1] < h - 0.3]
    own = [item for item in inside if item.category in themes]
    standing = [item for item in own if item.elevation_m < 0.05 and max(item.size_m) > 0.35]
    people = [item for item in inside if item.category == "Characters" and item.elevation_m < 0.05]
    small = [item for item in own if max(item.size_m) <= 0.45]
    high = [item for item in own if item.elevation_m >= 0.3 and item.size_m[2] < 0.8]
    crowd = w * d / 20.0
    _many(
        rng, rng.integers(4, 10) * crowd, standing, lambda i: _at_wall(layout, rng, plan, i, w, d)
    )
    _many(rng, rng.integers(0, 4), people, lambda i: _free(layout, rng, plan, i, w, d))
    _many(rng, rng.integers(2, 6) * crowd, standing, lambda i: _free(layout, rng, plan, i, w, d))
    _many(rng, rng.integers(0, 4), high, lambda i: _hung(layout, rng, i, w, h, d))
    tops = [body for body in layout.bodies if body.item.place_on_m is not None]
    _many(rng, 2 * len(tops), small, lambda i: _on_top(layout, rng, tops, i))
    doors = [item for item in items if item.door_or_window and item.size_m[1] < h - 0.05]
    _many(rng, 1, doors, lambda i: _hung(layout, rng, i, w, h, d))


def _many(
    rng: np.random.Generator,
    count: float | np.integer,
    items: Sequence[Furniture],
    put: Callable[[Furniture], object],
) -> None:
    """Put some items chosen at random; none where there are none to choose from."""
    for _ in range(round(float(count)) if items else 0):
        put(items[int(rng.integers(len(items)))])


def _at_wall(
    layout: Layout, rng: np.random.Generator, plan: FloorPlan, item: Furniture, w: float, d: float
) -> None:
    """With its back to one of the walls."""
    for _ in range(TRIES):
        yaw = float(rng.choice([0.0, 90.0, 180.0, 270.0]))
        wide, deep = footprint(item, yaw)
        if wide > w - 0.1 or deep > d - 0.1:
            continue
        x = rng.uniform(-0.5, 0.5) * (w - wide)
        z = rng.uniform(-0.5, 0.5) * (d - deep)
        x = {90.0: -(w - wide) / 2 + 0.02, 270.0: (w - wide) / 2 - 0.02}.get(yaw, x)
        z = {0.0: -(d - deep) / 2 + 0.02, 180.0: (d - deep) / 2 - 0.02}.get(yaw, z)
        if plan.take(x, z, wide, deep):
            _stand(layout, item, x, item.elevation_m, z, yaw)
            return


def _free(
    layout: Layout, rng: np.random.Generator, plan: FloorPlan, item: Furniture, w: float, d: float
) -> None:
    """Anywhere on the floor, turned by any angle."""
    for _ in range(TRIES):
        yaw = float(rng.uniform(0.0, 360.0))
        wide, deep = footprint(item, yaw)
        if wide > w - 0.1 or deep > d - 0.1:
            continue
        x, z = rng.uniform(-0.5, 0.5) * (w - wide), rng.uniform(-0.5, 0.5) * (d - deep)
        if plan.take(x, z, wide, deep):
            _stand(layout, item, x, 0.0, z, yaw)
            return


def _hung(
    layout: Layout, rng: np.random.Generator, item: Furniture, w: float, h: float, d: float
) -> None:
    """On a wall, at the height the catalogue gives."""
    yaw = float(rng.choice([0.0, 90.0, 180.0, 270.0]))
    wide, deep = footprint(item, yaw)
    if wide > w - 0.1 or deep > d - 0.1 or item.elevation_m + item.size_m[1] > h - 0.02:
        return
    x = rng.uniform(-0.5, 0.5) * (w - wide)
    z = rng.uniform(-0.5, 0.5) * (d - deep)
    x = {90.0: -(w - wide) / 2 + 0.01, 270.0: (w - wide) / 2 - 0.01}.get(yaw, x)
    z = {0.0: -(d - deep) / 2 + 0.01, 180.0: (d - deep) / 2 - 0.01}.get(yaw, z)
    _stand(layout, item, x, item.elevation_m, z, yaw)


def _on_top(
    layout: Layout, rng: np.random.Generator, tops: Sequence[Body], item: Furniture
) -> None:
    """Standing on a table or cupboard."""
    top = tops[int(rng.integers(len(tops)))]
    if top.item.place_on_m is None:
        return
    wide, _, deep = top.item.size_m
    place = shift(rng.uniform(-0.3, 0.3) * wide, top.item.place_on_m, rng.uniform(-0.3, 0.3) * deep)
    layout.bodies.append(Body(item, top.pose @ place @ turn(1, float(rng.uniform(0, 360)))))


def _stand(layout: Layout, item: Furniture, x: float, y: float, z: float, yaw: float) -> None:
    layout.bodies.append(Body(item, shift(float(x), y, float(z)) @ turn(1, yaw)))


def _triple(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
