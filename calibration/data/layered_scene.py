"""Sheets for one layered scene: a room or a plain with cards on it, or cards over a photo."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bokehflow.calibration.canvas import Canvas
from bokehflow.calibration.data.cards import Card, make_card
from bokehflow.calibration.data.clip import Asset
from bokehflow.calibration.data.layout import Texture
from bokehflow.calibration.data.pose import shift, turn
from bokehflow.calibration.data.sheet import Sheet
from bokehflow.calibration.data.surface_textures import (
    PICTURES,
    ceiling_texture,
    floor_texture,
    ground_texture,
    packaged,
    wall_texture,
)
from bokehflow.calibration.materials import noise, photo

FLOATING_SHARE = 0.3
"""Scenes of cards over a photo, which teach the renderer edges but tell nothing of depth."""
HUGE_M = 400.0


@dataclass
class LayeredScene:
    """Sheets from the back to the front, as a camera at `camera_height_m` looking along -z sees.

    fov_deg: field of view across the width, None for any. pitch_deg: how far up the camera looks,
    on average. motion: how fast it moves, 1 as a person walks.
    """

    sheets: list[Sheet] = field(default_factory=list)
    assets: list[Asset] = field(default_factory=list)
    camera_height_m: float = 1.5
    depth_cues: bool = True
    fov_deg: float | None = None
    pitch_deg: float = -4.0
    motion: float = 1.0


def make_layered_scene(rng: np.random.Generator, split: str, moving: bool) -> LayeredScene:
    """A scene of one of the three kinds; `moving` lets some cards drift."""
    kind = rng.random()
    if kind < FLOATING_SHARE:
        return _floating(rng, split, moving)
    scene = LayeredScene(camera_height_m=float(rng.uniform(0.5, 1.9)))
    farthest, aside = _room(scene, rng) if kind < 0.65 else _plain(scene, rng, split)
    count = int(rng.integers(3, 9))
    distances = np.exp(rng.uniform(np.log(0.8), np.log(farthest), size=count))
    for distance in sorted(distances.tolist(), reverse=True):
        x = float(rng.uniform(-0.45, 0.45) * distance)
        card = make_card(rng, split)
        # Painted after the walls, it would cover one that it stands behind.
        most = max(0.0, aside - 0.5 * card.width_m)
        _stand(scene, rng, card, (min(max(x, -most), most), 0.0, -distance), moving)
    return scene


def _room(scene: LayeredScene, rng: np.random.Generator) -> tuple[float, float]:
    """Floor, ceiling and three walls; returns how far away and to either side a card may reach."""
    depth, width, height = rng.uniform(3.0, 10.0), rng.uniform(2.5, 7.0), rng.uniform(2.3, 3.2)
    walls = opaque(wall_texture(rng))
    back = shift(0.0, 0.0, -float(depth))
    scene.sheets.append(Sheet(walls, back, (float(width), float(height)), 2.5))
    for side in (-1.0, 1.0):
        pose = shift(side * float(width) / 2, 0.0, 0.0) @ turn(1, -90.0 * side)
        scene.sheets.append(Sheet(walls, pose, (2 * float(depth), float(height)), 2.5))
    floor = (float(width), 2 * float(depth))
    _level(scene, floor_texture(rng), 0.0, floor, float(rng.uniform(1.0, 3.0)))
    _level(scene, ceiling_texture(rng), float(height), floor, 2.0)
    return 0.95 * float(depth), 0.5 * float(width)


def _plain(scene: LayeredScene, rng: np.random.Generator, split: str) -> tuple[float, float]:
    """Ground under a sky; returns the same as a room."""
    scene.sheets.append(Sheet(sky_picture(rng), np.eye(4), (1.0, 1.0), far=True))
    texture, assets = ground_texture(rng, split)
    scene.assets += assets
    _level(scene, texture, 0.0, (2 * HUGE_M, 2 * HUGE_M), float(rng.uniform(1.0, 5.0)))
    return 40.0, math.inf


def _level(
    scene: LayeredScene,
    texture: Texture,
    height_m: float,
    size_m: tuple[float, float],
    repeat_m: float,
) -> None:
    """A floor, ground or ceiling."""
    # Turned by a right angle its own y points along -z; from below a ceiling is seen as well.
    pose = shift(0.0, height_m, size_m[1] / 2) @ turn(0, -90.0)
    scene.sheets.append(Sheet(opaque(texture), pose, size_m, repeat_m))


def _floating(rng: np.random.Generator, split: str, moving: bool) -> LayeredScene:
    """Cards before a photo, at any depth and height."""
    scene = LayeredScene(depth_cues=False)
    depth = float(rng.uniform(2.5, 20.0))
    picture, assets = _backdrop(rng, split)
    scene.assets += assets
    side = 3.2 * depth
    at = (0.0, scene.camera_height_m - side / 2, -depth)
    scene.sheets.append(Sheet(picture, shift(*at), (side, side), faces_camera=True))
    for q in np.sort(rng.uniform(1.0 / depth, 2.0, size=int(rng.integers(2, 7)))).tolist():
        card = make_card(rng, split)
        span = rng.uniform(0.2, 0.7) / q
        card = Card(card.rgba, float(span), card.assets)
        x, y = (float(v) for v in rng.uniform(-0.4, 0.4, size=2) / q)
        y += scene.camera_height_m - card.height_m / 2
        _stand(scene, rng, card, (x, y, -1.0 / q), moving)
    return scene


def _stand(
    scene: LayeredScene,
    rng: np.random.Generator,
    card: Card,
    place_m: tuple[float, float, float],
    moving: bool,
) -> None:
    velocity = (0.0, 0.0, 0.0)
    if moving and rng.random() < 0.5:
        velocity = (float(rng.normal(0.0, 0.03)), 0.0, float(rng.normal(0.0, 0.01)))
    pose = shift(*place_m)
    size = (card.width_m, card.height_m)
    card_sheet = Sheet(card.rgba, pose, size, velocity_m=velocity, faces_camera=True)
    scene.sheets.append(card_sheet)
    scene.assets += card.assets


def _backdrop(rng: np.random.Generator, split: str) -> tuple[Tensor, list[Asset]]:
    """A packaged photo of the split, or noise in colours where it has none."""
    canvas = Canvas(256, 256, 0)
    photos = packaged(PICTURES, split)
    if photos:
        chosen = photos[int(rng.integers(len(photos)))]
        picture = photo(chosen.name, canvas, rng, float(rng.uniform(1.0, 1.5)))
        return opaque(picture), [chosen.asset]
    channels = [noise(canvas, rng, float(rng.uniform(20.0, 200.0)), 6) for _ in range(3)]
    return opaque(np.stack(channels, axis=-1) ** 2), []


def sky_picture(rng: np.random.Generator) -> Tensor:
    """Blue to pale from the top down, with clouds, or all grey."""
    canvas = Canvas(96, 192, 0)
    up = (0.5 - canvas.y / canvas.height)[:, :, None]
    blue = np.array([0.15, 0.3, 0.75]) * rng.uniform(0.6, 1.2)
    pale = np.array([0.75, 0.8, 0.9]) * rng.uniform(0.6, 1.2)
    cloud = np.clip(3.0 * noise(canvas, rng, 90.0, 6) - rng.uniform(1.0, 3.0), 0, 1)[:, :, None]
    clear = pale * (1.0 - up**0.5) + blue * up**0.5
    return opaque(clear * (1.0 - cloud) + 0.9 * cloud)


def opaque(colour: npt.NDArray[np.floating]) -> Tensor:
    """A picture [h, w, 3] in linear light as a sheet's, [4, h, w] without holes."""
    rgb = np.asarray(colour, dtype=np.float32).transpose(2, 0, 1)
    return torch.from_numpy(np.concatenate([rgb, np.ones_like(rgb[:1])]))
