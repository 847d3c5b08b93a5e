"""Scenes whose depth varies inside a layer: a ground, a corridor, a bowl."""

from __future__ import annotations

import numpy as np

from bokehflow.calibration.canvas import Array, add_box, add_ellipse, coverage
from bokehflow.calibration.figures import add_lamps, draw_hair, draw_leaves
from bokehflow.calibration.materials import marbled, noise, photo, random_colour, tiles
from bokehflow.calibration.stage import Stage


def ground(stage: Stage) -> None:
    """A ground from the horizon to the lens, with posts and balls standing on it."""
    canvas, rng = stage.canvas, stage.rng
    horizon = -0.2 * canvas.height
    bottom = canvas.height / 2 + canvas.margin_px
    slope = 32.0 / (bottom - horizon)
    floor = stage.plane(-18.0 - slope * horizon, slope_y=slope * _scale(stage))
    sky = photo(str(rng.choice(["rocket", "coffee"])), canvas, rng)
    stage.add_backdrop(sky, -18.0)
    texture = photo(str(rng.choice(["grass", "gravel"])), canvas, rng)
    earth = texture * random_colour(rng, 0.3, 1.2)
    below = coverage(np.broadcast_to(horizon - canvas.y, canvas.shape).astype(np.float32))
    stage.add(earth, below, floor)
    feet = np.sort(rng.uniform(horizon + 4.0, 0.42 * canvas.height, size=9))
    for foot in feet:
        radius = -18.0 + slope * (float(foot) - horizon)
        _stand(stage, float(foot), radius)


def _scale(stage: Stage) -> float:
    """Pixels of this frame a pixel of the reference frame: radii at 480 to radii here."""
    return stage.canvas.px(1.0)


def _stand(stage: Stage, foot: float, radius: float) -> None:
    """One object on the ground: its lower edge at `foot` (pixels), taller where it is nearer."""
    canvas, rng = stage.canvas, stage.rng
    ink = canvas.blank()
    height = canvas.px(rng.uniform(30.0, 55.0)) * (1.0 + 0.05 * (radius + 18.0))
    x = float(rng.uniform(-0.5, 0.5)) * canvas.width
    if rng.random() < 0.5:
        half_width = height * rng.uniform(0.05, 0.15)
        add_box(ink, canvas, (x, foot - height), (half_width, height))
    else:
        add_ellipse(ink, canvas, (x, foot - height / 2), (height / 2, height / 2))
    stage.add(marbled(canvas, rng, 25.0), ink, radius)


def corridor(stage: Stage) -> None:
    """Two walls that run from the lens into the distance, leaves between them."""
    canvas, rng = stage.canvas, stage.rng
    end = tiles(canvas, rng, size_px=30.0)
    add_lamps(end, canvas, rng, 15, brightest=8.0)
    stage.add_backdrop(end, -18.0)
    inner = 0.12 * canvas.width
    outer = canvas.width / 2 + canvas.margin_px
    slope = 34.0 / (outer - inner)
    for side in (-1.0, 1.0):
        wall = stage.plane(-18.0 - slope * inner, slope_x=side * slope * _scale(stage))
        beyond = (inner - side * canvas.x) * np.ones_like(canvas.y)
        name = "brick" if side < 0 else str(rng.choice(["coffee", "grass"]))
        paint = photo(name, canvas, rng) * random_colour(rng, 0.4, 1.2)
        stage.add(paint, coverage(beyond.astype(np.float32)), wall)
    ball = canvas.blank()
    centre = (float(rng.normal(0.0, 15.0)), 0.1 * canvas.height)
    add_ellipse(ball, canvas, centre, (canvas.px(52.0), canvas.px(70.0)))
    strands = draw_hair(canvas, rng, centre, canvas.px(68.0), 60)
    stage.add(photo("chelsea", canvas, rng), np.maximum(ball, strands), 0.0)
    leaf = random_colour(rng, 0.03, 0.4) * (0.4 + noise(canvas, rng, 15.0))[:, :, None]
    stage.add(leaf, draw_leaves(canvas, rng, 5, (50.0, 80.0)), rng.uniform(13.0, 18.0))


def curved(stage: Stage) -> None:
    """A bowl behind, a bulging sheet with holes in the middle, a bent ribbon in front."""
    canvas, rng = stage.canvas, stage.rng
    bowl = _bulge(stage, middle=-18.0, rim=-7.0)
    stage.add_backdrop(tiles(canvas, rng, size_px=34.0), stage.field(bowl))
    sheet = canvas.blank()
    centre = (float(rng.uniform(-0.1, 0.1)) * canvas.width, 0.0)
    add_ellipse(sheet, canvas, centre, (canvas.px(165.0), 0.42 * canvas.height))
    holes = draw_leaves(canvas, rng, 16, (30.0, 60.0))
    ink = sheet * (1.0 - holes)
    name = str(rng.choice(["chelsea", "coffee", "astronaut"]))
    stage.add(photo(name, canvas, rng), ink, stage.field(_bulge(stage, middle=1.5, rim=-5.0)))
    ribbon = canvas.blank()
    for offset in (-0.33, 0.36):
        middle = (offset * canvas.width, 0.0)
        add_box(ribbon, canvas, middle, (canvas.px(13.0), 2.0 * canvas.height), rng.normal(0, 0.25))
    near = _bulge(stage, middle=8.0, rim=17.0)
    stage.add(marbled(canvas, rng, 30.0), ribbon, stage.field(near))


def _bulge(stage: Stage, middle: float, rim: float) -> Array:
    """Radii (at 480) that go smoothly from `middle` at the centre to `rim` at the frame's edge."""
    canvas = stage.canvas
    distance = (2.0 * canvas.x / canvas.width) ** 2 + (2.0 * canvas.y / canvas.height) ** 2
    share = 1.0 - np.exp(-1.2 * distance)
    return (middle + (rim - middle) * share).astype(np.float32)
