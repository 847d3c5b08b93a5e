"""Things that stand in a scene: a person with loose hair, lamps, twigs."""

from __future__ import annotations

import math

import numpy as np

from bokehflow.calibration.canvas import Array, Canvas, add_box, add_ellipse, add_leaf, add_strand


def draw_person(canvas: Canvas, at_x: float) -> tuple[Array, tuple[float, float], float]:
    """A head and shoulders that rise from the lower edge.

    at_x: place across the frame, 480-pixel units from its centre. Returns the coverage and, in
    pixels, the head's centre and its radius.
    """
    ink = canvas.blank()
    # The figure fits the frame's shorter side, whichever that is.
    unit = min(canvas.px(1.0), canvas.height / 360)
    head = (canvas.px(at_x), canvas.height * -0.12)
    radius = 58.0 * unit
    bottom = canvas.height / 2 + canvas.margin_px
    add_ellipse(ink, canvas, head, (0.82 * radius, radius))
    neck = (head[0], head[1] + 1.2 * radius)
    add_box(ink, canvas, neck, (0.38 * radius, 0.7 * radius))
    add_ellipse(ink, canvas, (head[0], bottom), (2.3 * radius, bottom - head[1] - 1.15 * radius))
    return ink, head, radius


def draw_hair(
    canvas: Canvas, rng: np.random.Generator, head: tuple[float, float], radius: float, count: int
) -> Array:
    """Loose strands around a head, 0.4 to 1.6 pixels wide at 480, as coverage."""
    ink = canvas.blank()
    for _ in range(count):
        angle = rng.uniform(-math.pi * 1.05, math.pi * 0.05)
        length = radius * rng.uniform(0.3, 0.9)
        bend = rng.normal(0.0, 0.9)
        points = _curl(head, angle, (0.82 * radius, radius), length, bend)
        add_strand(ink, canvas, points, canvas.px(rng.uniform(0.2, 0.8)))
    return ink


def _curl(
    head: tuple[float, float], angle: float, radii: tuple[float, float], length: float, bend: float
) -> Array:
    """A strand that leaves an ellipse outwards and bends steadily, [n, 2] pixels."""
    share = np.linspace(0.0, 1.0, 9)
    heading = angle + bend * share
    step = length / (len(share) - 1)
    start = (head[0] + 0.9 * radii[0] * math.cos(angle), head[1] + 0.9 * radii[1] * math.sin(angle))
    x = start[0] + step * np.concatenate([[0.0], np.cumsum(np.cos(heading[1:]))])
    y = start[1] + step * np.concatenate([[0.0], np.cumsum(np.sin(heading[1:]))])
    return np.stack([x, y], axis=1).astype(np.float32)


def add_lamps(
    colour: Array, canvas: Canvas, rng: np.random.Generator, count: int, brightest: float
) -> None:
    """Put small lamps into a picture, in place: linear light 2 to `brightest`, far above white."""
    for _ in range(count):
        spot = canvas.blank()
        centre = _somewhere(canvas, rng)
        size = canvas.px(rng.uniform(0.9, 2.6))
        add_ellipse(spot, canvas, centre, (size, size))
        light = np.exp(rng.uniform(math.log(2.0), math.log(brightest)))
        tint = np.array([1.0, rng.uniform(0.6, 1.0), rng.uniform(0.25, 1.0)], dtype=np.float32)
        box = canvas.window(*centre, size + 1.0)
        share = spot[box][:, :, None]
        colour[box] = colour[box] * (1.0 - share) + share * (light * tint)


def draw_leaves(
    canvas: Canvas, rng: np.random.Generator, count: int, length: tuple[float, float]
) -> Array:
    """Leaves scattered over the frame, coverage; lengths in 480-pixel units."""
    ink = canvas.blank()
    for _ in range(count):
        size = canvas.px(rng.uniform(*length))
        turn = rng.uniform(0.0, math.pi)
        add_leaf(ink, canvas, _somewhere(canvas, rng), size, turn, rng.uniform(0.25, 0.55))
    return ink


def draw_twig(
    canvas: Canvas, rng: np.random.Generator, start: tuple[float, float], angle: float
) -> Array:
    """A branch with leaves on both sides that crosses the frame from `start` (pixels), coverage."""
    ink = canvas.blank()
    steps = 14
    stride = canvas.px(26.0)
    headings = angle + np.cumsum(rng.normal(0.0, 0.12, size=steps))
    x = start[0] + stride * np.concatenate([[0.0], np.cumsum(np.cos(headings))])
    y = start[1] + stride * np.concatenate([[0.0], np.cumsum(np.sin(headings))])
    add_strand(ink, canvas, np.stack([x, y], axis=1).astype(np.float32), canvas.px(2.2))
    for i, heading in enumerate(headings):
        for side in (-1.0, 1.0):
            turn = heading + side * rng.uniform(0.6, 1.1)
            size = canvas.px(rng.uniform(20.0, 42.0))
            centre = (x[i] + 0.5 * size * math.cos(turn), y[i] + 0.5 * size * math.sin(turn))
            add_leaf(ink, canvas, centre, size, turn, rng.uniform(0.3, 0.5))
    return ink


def _somewhere(canvas: Canvas, rng: np.random.Generator) -> tuple[float, float]:
    """A random place on the canvas, margin included, in pixels from the centre."""
    half_x = canvas.width / 2 + canvas.margin_px
    half_y = canvas.height / 2 + canvas.margin_px
    return float(rng.uniform(-half_x, half_x)), float(rng.uniform(-half_y, half_y))
