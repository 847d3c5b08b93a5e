"""A street, garden or field under a sky: ground, houses, trees, vehicles, people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bokehflow.calibration.data.furniture import Furniture
from bokehflow.calibration.data.layout import Body, FloorPlan, Layout, Quad, footprint
from bokehflow.calibration.data.pose import shift, turn
from bokehflow.calibration.data.surface_textures import facade_texture, ground_texture

GROUND_HALF_M = 400.0
CATEGORIES = ("Exterior", "Vehicles", "Characters")
REACH_M = (1.5, 40.0)


def make_outdoors(rng: np.random.Generator, items: Sequence[Furniture], split: str) -> Layout:
    """Things at REACH_M metres around the origin, houses behind them, on a plain."""
    layout = Layout(((-6.0, 0.3, -6.0), (6.0, 2.2, 6.0)))
    height, bearing = rng.uniform(15.0, 75.0), rng.uniform(0.0, 360.0)
    level = np.cos(np.radians(height))
    layout.sun = (
        float(level * np.cos(np.radians(bearing))),
        float(np.sin(np.radians(height))),
        float(level * np.sin(np.radians(bearing))),
    )
    layout.turbidity = float(rng.uniform(2.0, 8.0))
    texture, assets = ground_texture(rng, split)
    half = GROUND_HALF_M
    ground = Quad((-half, 0, half), (2 * half, 0, 0), (0, 0, -2 * half), texture, rng.uniform(1, 5))
    layout.quads.append(ground)
    layout.assets += assets
    plan = FloorPlan()
    for _ in range(int(rng.integers(0, 6))):
        _house(layout, rng, plan, split)
    outside = [item for item in items if item.category in CATEGORIES and item.elevation_m < 0.05]
    for _ in range(int(rng.integers(30, 80))):
        _put(layout, rng, plan, outside)
    return layout


def _put(
    layout: Layout, rng: np.random.Generator, plan: FloorPlan, items: Sequence[Furniture]
) -> None:
    """One thing at a distance of even chance for every doubling."""
    category = rng.choice(CATEGORIES, p=(0.5, 0.2, 0.3))
    choice = [item for item in items if item.category == category]
    if not choice:
        return
    item = choice[int(rng.integers(len(choice)))]
    distance = float(np.exp(rng.uniform(*np.log(REACH_M))))
    bearing, yaw = rng.uniform(0, 2 * np.pi), float(rng.uniform(0, 360))
    x, z = float(distance * np.cos(bearing)), float(distance * np.sin(bearing))
    wide, deep = footprint(item, yaw)
    if plan.take(x, z, wide, deep):
        layout.bodies.append(Body(item, shift(x, 0.0, z) @ turn(1, yaw)))


def _house(layout: Layout, rng: np.random.Generator, plan: FloorPlan, split: str) -> None:
    """Four walls and a flat roof, their middle 16 to 60 metres away."""
    w, h, d = rng.uniform(5, 16), rng.uniform(3, 14), rng.uniform(5, 16)
    distance, bearing = rng.uniform(16.0, 60.0), rng.uniform(0, 2 * np.pi)
    x, z = float(distance * np.cos(bearing)), float(distance * np.sin(bearing))
    if not plan.take(x, z, w, d):
        return
    texture, assets = facade_texture(rng, split)
    layout.assets += assets
    left, right, far, near = x - w / 2, x + w / 2, z - d / 2, z + d / 2
    layout.quads += [
        Quad((left, 0, near), (w, 0, 0), (0, h, 0), texture),
        Quad((right, 0, far), (-w, 0, 0), (0, h, 0), texture),
        Quad((right, 0, near), (0, 0, -d), (0, h, 0), texture),
        Quad((left, 0, far), (0, 0, d), (0, h, 0), texture),
        Quad((left, h, near), (w, 0, 0), (0, 0, -d), texture, 3.0),
    ]
