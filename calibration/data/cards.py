"""What stands in a layered scene: people, trees, posts, boxes, cut out of card.

Each is a premultiplied picture and a real height in metres.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bokehflow.calibration.canvas import Array, Canvas, add_box, add_ellipse, add_leaf, add_strand
from bokehflow.calibration.data.clip import Asset
from bokehflow.calibration.data.surface_textures import PICTURES, packaged
from bokehflow.calibration.materials import marbled, noise, photo, random_colour, tiles, writing

SIDE_PX = 96


@dataclass(frozen=True, eq=False)
class Card:
    """A cut-out: rgba float32 [4, h, w] premultiplied linear light, its height in metres."""

    rgba: Tensor
    height_m: float
    assets: tuple[Asset, ...] = ()

    @property
    def width_m(self) -> float:
        """Its width, by the picture's shape."""
        return self.height_m * self.rgba.shape[2] / self.rgba.shape[1]


def make_card(rng: np.random.Generator, split: str, side_px: int = SIDE_PX) -> Card:
    """A card of a random kind that stands on the ground, drawn at a scale of `side_px`."""
    kinds = (person, person, tree, bush, post, box, box)
    return kinds[int(rng.integers(len(kinds)))](rng, split, side_px)


def person(rng: np.random.Generator, _split: str, side_px: int = SIDE_PX) -> Card:
    """Someone standing, 0.9 to 1.95 m tall, with hair, in clothes of two patterns."""
    canvas = Canvas(2 * side_px, side_px, 0)
    h, w = canvas.height, canvas.width
    skin, legs, body = canvas.blank(), canvas.blank(), canvas.blank()
    head = (rng.uniform(-0.05, 0.05) * w, -0.42 * h)
    stride = rng.uniform(0.06, 0.16) * w
    for side in (-1.0, 1.0):
        add_box(legs, canvas, (side * stride, 0.27 * h), (0.09 * w, 0.25 * h), side * -0.06)
        arm = (side * 0.3 * w, rng.uniform(-0.16, -0.1) * h)
        add_ellipse(body, canvas, arm, (0.07 * w, 0.19 * h), side * rng.uniform(-0.1, 0.5))
    add_ellipse(body, canvas, (0.0, -0.13 * h), (0.25 * w, 0.2 * h))
    add_ellipse(skin, canvas, head, (0.11 * w, 0.072 * h))
    add_box(skin, canvas, (head[0], -0.34 * h), (0.05 * w, 0.04 * h))
    hair = canvas.blank()
    for _ in range(int(rng.integers(10, 40))):
        angle = rng.uniform(-math.pi, 0.0)
        root = np.array([math.cos(angle) * 0.1 * w, math.sin(angle) * 0.07 * h]) + head
        tip = root + rng.normal(0.0, 0.05 * w, 2) + np.array([0.0, 0.03 * h])
        add_strand(hair, canvas, np.stack([root, tip]), float(rng.uniform(0.3, 2.0)))
    colours = [
        (legs, random_colour(rng, 0.02, 0.4)),
        (body, _cloth(canvas, rng)),
        (skin, np.array([0.6, 0.35, 0.22]) * rng.uniform(0.2, 1.2)),
        (hair, random_colour(rng, 0.01, 0.2)),
    ]
    return Card(_stack(canvas, rng, colours), float(rng.uniform(0.9, 1.95)))


def tree(rng: np.random.Generator, _split: str, side_px: int = SIDE_PX) -> Card:
    """A trunk and a crown of leaves, 2 to 9 m tall."""
    canvas = Canvas(int(1.5 * side_px), side_px, 0)
    h, w = canvas.height, canvas.width
    trunk, crown = canvas.blank(), canvas.blank()
    add_box(trunk, canvas, (0.0, 0.25 * h), (rng.uniform(0.02, 0.06) * w, 0.26 * h))
    _leaves(crown, canvas, rng, (0.0, -0.15 * h), (0.42 * w, 0.32 * h))
    wood = np.array([0.12, 0.07, 0.04]) * rng.uniform(0.5, 2.0)
    rgba = _stack(canvas, rng, [(trunk, wood), (crown, _green(rng))])
    return Card(rgba, float(rng.uniform(2.0, 9.0)))


def bush(rng: np.random.Generator, _split: str, side_px: int = SIDE_PX) -> Card:
    """A heap of leaves, 0.3 to 1.6 m tall."""
    canvas = Canvas(side_px, side_px, 0)
    ink = canvas.blank()
    h, w = canvas.height, canvas.width
    _leaves(ink, canvas, rng, (0.0, 0.1 * h), (0.4 * w, 0.36 * h))
    add_ellipse(ink, canvas, (0.0, 0.3 * h), (0.3 * w, 0.22 * h))
    return Card(_stack(canvas, rng, [(ink, _green(rng))]), float(rng.uniform(0.3, 1.6)))


def post(rng: np.random.Generator, _split: str, side_px: int = SIDE_PX) -> Card:
    """A thin upright thing with a head: a lamp post, a sign, a parking meter."""
    canvas = Canvas(2 * side_px, side_px // 2, 0)
    h, w = canvas.height, canvas.width
    pole, top = canvas.blank(), canvas.blank()
    add_box(pole, canvas, (0.0, 0.05 * h), (rng.uniform(0.02, 0.09) * w, 0.46 * h))
    if rng.random() < 0.5:
        add_ellipse(top, canvas, (0.0, -0.38 * h), (0.4 * w, 0.1 * h))
    else:
        add_box(top, canvas, (0.0, -0.38 * h), (0.42 * w, 0.1 * h), rng.uniform(-0.1, 0.1))
    metal = random_colour(rng, 0.03, 0.4)
    rgba = _stack(canvas, rng, [(pole, metal), (top, _cloth(canvas, rng))])
    return Card(rgba, float(rng.uniform(0.8, 4.0)))


def box(rng: np.random.Generator, split: str, side_px: int = SIDE_PX) -> Card:
    """A board with a packaged photo, print or pattern on it, 0.2 to 2.2 m tall."""
    canvas = Canvas(side_px, int(side_px * rng.uniform(0.5, 1.8)), 0)
    photos = packaged(PICTURES, split)
    colour = _cloth(canvas, rng)
    assets: tuple[Asset, ...] = ()
    if photos and rng.random() < 0.6:
        chosen = photos[int(rng.integers(len(photos)))]
        colour, assets = photo(chosen.name, canvas, rng, rng.uniform(1.0, 2.0)), (chosen.asset,)
    ink = np.ones(canvas.shape, dtype=np.float32)
    return Card(_stack(canvas, rng, [(ink, colour)]), float(rng.uniform(0.2, 2.2)), assets)


def _cloth(canvas: Canvas, rng: np.random.Generator) -> Array:
    kind = rng.choice(["marbled", "tiles", "writing", "plain"])
    if kind == "marbled":
        return marbled(canvas, rng, float(rng.uniform(30.0, 200.0)))
    if kind == "tiles":
        return tiles(canvas, rng, float(rng.uniform(15.0, 60.0)))
    if kind == "writing":
        return writing(canvas, rng, float(rng.uniform(30.0, 60.0)))
    return random_colour(rng, 0.03, 0.7) * np.ones((*canvas.shape, 1), dtype=np.float32)


def _leaves(
    ink: Array,
    canvas: Canvas,
    rng: np.random.Generator,
    centre: tuple[float, float],
    reach: tuple[float, float],
) -> None:
    """Leaves scattered in an ellipse, pixels."""
    for _ in range(int(rng.integers(60, 160))):
        angle, radius = rng.uniform(0, 2 * math.pi), math.sqrt(rng.uniform())
        x = centre[0] + reach[0] * radius * math.cos(angle)
        y = centre[1] + reach[1] * radius * math.sin(angle)
        size = canvas.width * rng.uniform(0.06, 0.16)
        add_leaf(ink, canvas, (x, y), size, rng.uniform(0, math.pi), rng.uniform(0.3, 0.6))


def _green(rng: np.random.Generator) -> Array:
    tint = np.exp(rng.normal(0.0, 0.4, size=3))
    green: Array = np.array([0.08, 0.2, 0.04]) * tint
    return green


def _stack(
    canvas: Canvas, rng: np.random.Generator, parts: Sequence[tuple[Array, Array]]
) -> Tensor:
    """Coverages and colours laid over one another and shaded unevenly, [4, h, w] premultiplied."""
    rgba = np.zeros((*canvas.shape, 4), dtype=np.float32)
    for ink, colour in parts:
        lit = np.broadcast_to(colour, (*canvas.shape, 3))
        over = np.concatenate([lit * ink[:, :, None], ink[:, :, None]], axis=2)
        rgba = rgba * (1.0 - ink[:, :, None]) + over
    slope = 1.0 + rng.uniform(-0.4, 0.4) * canvas.x / canvas.width
    shade = slope * (0.7 + 0.6 * noise(canvas, rng, 60.0))
    rgba[:, :, :3] *= shade[:, :, None]
    return torch.from_numpy(np.ascontiguousarray(rgba.transpose(2, 0, 1), dtype=np.float32))
