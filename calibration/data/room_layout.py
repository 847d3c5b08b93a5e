"""A furnished room: four walls, floor, ceiling, windows and lamps, furniture and people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bokehflow.calibration.data.furnishing import Furnishing
from bokehflow.calibration.data.furniture import Furniture
from bokehflow.calibration.data.layout import Layout, Quad, triple
from bokehflow.calibration.data.surface_textures import (
    ceiling_texture,
    floor_texture,
    picture_texture,
    wall_texture,
)

THEMES = ("Living room", "Kitchen", "Bedroom", "Bathroom", "Office")


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
    _furnish(Furnishing(layout, rng, (width, height, depth)), items)
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
            radiance=triple(warm * power),
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
            Quad(corner, (0, 0, side * length), (0, top - sill, 0), radiance=triple(sky))
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


def _furnish(room: Furnishing, items: Sequence[Furniture]) -> None:
    rng, (w, h, d) = room.rng, room.size_m
    themes = set(rng.choice(THEMES, size=2, replace=False).tolist()) | {"Miscellaneous"}
    inside = [item for item in items if not item.door_or_window and item.size_m[1] < h - 0.3]
    own = [item for item in inside if item.category in themes]
    standing = [item for item in own if item.elevation_m < 0.05 and max(item.size_m) > 0.35]
    people = [item for item in inside if item.category == "Characters" and item.elevation_m < 0.05]
    small = [item for item in own if max(item.size_m) <= 0.45]
    high = [item for item in own if item.elevation_m >= 0.3 and item.size_m[2] < 0.8]
    crowd = w * d / 20.0
    room.put(rng.integers(4, 10) * crowd, standing, room.at_wall)
    room.put(rng.integers(0, 4), people, room.anywhere)
    room.put(rng.integers(2, 6) * crowd, standing, room.anywhere)
    room.put(rng.integers(0, 4), high, room.hung)
    room.put_on_tops(small)
    doors = [item for item in items if item.door_or_window and item.size_m[1] < h - 0.05]
    room.put(1, doors, room.hung)
