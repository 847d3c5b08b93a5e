"""Scenes of sheets parallel to the sensor: a portrait, hair, leaves, near bars, lamps at night."""

from __future__ import annotations

import math

import numpy as np

from bokehflow.calibration.canvas import Array, add_box
from bokehflow.calibration.figures import (
    add_lamps,
    draw_hair,
    draw_leaves,
    draw_person,
    draw_twig,
)
from bokehflow.calibration.materials import (
    marbled,
    noise,
    photo,
    placed_photo,
    random_colour,
    tiles,
    writing,
)
from bokehflow.calibration.stage import Stage

BACKDROP_PHOTOS = ("coffee", "rocket", "chelsea", "brick")
ASTRONAUT_FACE = (222.0, 105.0)
"""Column and row of the middle of the face in that photo."""
ASTRONAUT_HEAD_PX = 88.0
"""Half the height of the head in that photo."""


def portrait(stage: Stage) -> None:
    """A person in focus, lamps far behind, leaves near the lens in one corner."""
    canvas, rng = stage.canvas, stage.rng
    far = photo(str(rng.choice(BACKDROP_PHOTOS)), canvas, rng) * 0.7
    add_lamps(far, canvas, rng, 30, brightest=12.0)
    stage.add_backdrop(far, -rng.uniform(15.0, 20.0))
    stage.add(_leaf_green(stage), draw_leaves(canvas, rng, 14, (40.0, 90.0)), -rng.uniform(6, 10))
    _person(stage, at_x=rng.uniform(-60.0, 60.0), strands=60)
    corner = canvas.blank()
    side = rng.choice([-1.0, 1.0])
    twig = draw_twig(canvas, rng, (side * canvas.width * 0.42, canvas.height * 0.5), -math.pi / 2)
    np.maximum(corner, twig, out=corner)
    stage.add(_leaf_green(stage), corner, rng.uniform(11.0, 16.0))


def hair(stage: Stage) -> None:
    """Hair-thin strands at and around the focus over a detailed, blurred background with lamps."""
    canvas, rng = stage.canvas, stage.rng
    far = tiles(canvas, rng, size_px=rng.uniform(24.0, 40.0))
    add_lamps(far, canvas, rng, 20, brightest=8.0)
    stage.add_backdrop(far, -rng.uniform(9.0, 14.0))
    _person(stage, at_x=rng.uniform(-110.0, -70.0), strands=140, radius=-1.5)
    _person(stage, at_x=rng.uniform(70.0, 110.0), strands=140)
    _, head, size = draw_person(canvas, at_x=0.0)
    loose = draw_hair(canvas, rng, (head[0], canvas.height * 0.1), 1.5 * size, 40)
    stage.add(random_colour(rng, 0.01, 0.2), loose, rng.uniform(2.0, 5.0))


def leaves(stage: Stage) -> None:
    """Leaves at ten depths from far behind the focus to near the lens."""
    canvas, rng = stage.canvas, stage.rng
    wood = photo(str(rng.choice(["coffee", "rocket", "chelsea"])), canvas, rng)
    add_lamps(wood, canvas, rng, 25, brightest=8.0)
    stage.add_backdrop(wood, -20.0)
    for radius in np.linspace(-17.0, 16.0, 10):
        ink = draw_leaves(canvas, rng, 9, (35.0, 85.0))
        stage.add(_leaf_green(stage), ink, float(radius + rng.uniform(-1.0, 1.0)))


def occluder(stage: Stage) -> None:
    """Twigs and bars close to the lens over a background in focus that is full of detail."""
    canvas, rng = stage.canvas, stage.rng
    detail = writing(canvas, rng, line_px=11.0)
    picture = photo(str(rng.choice(["coffee", "chelsea", "astronaut"])), canvas, rng)
    split = rng.uniform(-0.15, 0.15) * canvas.width
    mask = (canvas.x > split)[:, :, None]
    stage.add_backdrop(np.where(mask, detail, picture).astype(np.float32), 0.0)
    twig = draw_twig(canvas, rng, (-canvas.width * 0.6, rng.uniform(-60, 60)), rng.normal(0.0, 0.2))
    stage.add(_leaf_green(stage), twig, rng.uniform(10.0, 14.0))
    bars = canvas.blank()
    turn = rng.uniform(-0.2, 0.2)
    pitch = canvas.px(rng.uniform(130.0, 170.0))
    for i in range(-3, 4):
        size = (canvas.px(rng.uniform(5.0, 12.0)), 2.0 * canvas.height)
        add_box(bars, canvas, (i * pitch, 0.0), size, turn)
    stage.add(marbled(canvas, rng) * 0.6, bars, rng.uniform(17.0, 22.0))


def lights(stage: Stage) -> None:
    """A dark street: lamps far brighter than white at three depths, a person in focus."""
    canvas, rng = stage.canvas, stage.rng
    night = photo("hubble_deep_field", canvas, rng) * 0.5 + 0.004
    add_lamps(night, canvas, rng, 40, brightest=10.0)
    stage.add_backdrop(night, -rng.uniform(16.0, 20.0))
    wall = photo("brick", canvas, rng) * random_colour(rng, 0.05, 0.5)
    add_lamps(wall, canvas, rng, 20, brightest=8.0)
    towers = canvas.blank()
    for x in np.linspace(-0.5, 0.5, 4):
        half = (canvas.px(rng.uniform(20.0, 40.0)), canvas.height * rng.uniform(0.2, 0.5))
        add_box(towers, canvas, (float(x) * canvas.width, canvas.height * 0.4), half)
    stage.add(wall, towers, -rng.uniform(7.0, 10.0))
    _person(stage, at_x=rng.uniform(-90.0, 90.0), strands=50)
    near = random_colour(rng, 0.01, 0.1) * np.ones((*canvas.shape, 3), dtype=np.float32)
    add_lamps(near, canvas, rng, 30, brightest=6.0)
    cable = canvas.blank()
    for y in (-0.3, 0.33):
        centre = (0.0, canvas.height * (y + rng.uniform(-0.05, 0.05)))
        add_box(cable, canvas, centre, (2.0 * canvas.width, canvas.px(2.5)), rng.normal(0.0, 0.1))
    stage.add(near, cable, rng.uniform(8.0, 12.0))


def _person(stage: Stage, at_x: float, strands: int, radius: float = 0.0) -> None:
    """The astronaut, cut out along a plain outline, with loose hair; one layer."""
    canvas, rng = stage.canvas, stage.rng
    body, head, size = draw_person(canvas, at_x)
    strand_ink = draw_hair(canvas, rng, head, size, strands)
    hair_only = strand_ink * (1.0 - body)
    ink = np.maximum(body, strand_ink)
    skin = placed_photo("astronaut", canvas, ASTRONAUT_FACE, head, size / ASTRONAUT_HEAD_PX)
    share = (hair_only / np.maximum(ink, 1e-6))[:, :, None]
    stage.add(share * random_colour(rng, 0.01, 0.3) + (1.0 - share) * skin, ink, radius)


def _leaf_green(stage: Stage) -> Array:
    """A mottled green or autumn colour, linear light [rows, cols, 3]."""
    base = np.array([0.06, 0.2, 0.03], dtype=np.float32)
    tint = np.exp(stage.rng.normal(0.0, 0.5, size=3)).astype(np.float32)
    mottle = 0.3 + 1.4 * noise(stage.canvas, stage.rng, 18.0, octaves=3)
    return mottle[:, :, None] * base * tint
