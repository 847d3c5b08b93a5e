"""A layered scene while it is built: what stands on its level surface, and the shadows there."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from bokehflow.calibration.data.block import Block
from bokehflow.calibration.data.cards import Card
from bokehflow.calibration.data.composed_cards import choose_card, one_of
from bokehflow.calibration.data.layered_scene import LayeredScene, opaque
from bokehflow.calibration.data.material import Material
from bokehflow.calibration.data.material_pictures import photo_window
from bokehflow.calibration.data.pose import Pose, shift, turn
from bokehflow.calibration.data.shadows import Light, cast, corners, footprint_shadow, uneven
from bokehflow.calibration.data.sheet import Sheet
from bokehflow.calibration.data.surface_textures import facade_texture, wall_texture

SHARES_OF_FRAME = (0.1, 0.7)
"""How much of the frame's height a thing fills, where there is room for it."""
ASPECT = 0.75
"""Height over width of the frames that things are placed for."""


@dataclass
class Stage:
    """A scene being built. things: distance and sheets of what stands on the floor."""

    rng: np.random.Generator
    material: Material
    split: str
    moving: bool
    light: Light
    fov_deg: float
    scene: LayeredScene = field(default_factory=LayeredScene)
    shadows: list[Sheet] = field(default_factory=list)
    things: list[tuple[float, list[Sheet]]] = field(default_factory=list)

    def uniform(self, low: float, high: float) -> float:
        """A number between two."""
        return float(self.rng.uniform(low, high))

    def distance(self, height_m: float, share: float) -> float:
        """How far away something of a height fills a share of the frame's height."""
        return height_m / (2 * ASPECT * share * self.half_width(1.0))

    def half_width(self, distance_m: float) -> float:
        """Half of what the frame shows at a distance, metres across."""
        return distance_m * math.tan(math.radians(self.fov_deg) / 2)


def stand_cards(
    stage: Stage,
    heights_m: tuple[float, float],
    distances_m: tuple[float, float],
    count: int,
    half_width_m: float,
) -> None:
    """Cards on the level, each so far away that it fills a sensible share of the frame."""
    for _ in range(count):
        card = choose_card(stage.rng, stage.material, stage.split, heights_m)
        share = math.exp(stage.uniform(*np.log(SHARES_OF_FRAME)))
        distance = min(max(stage.distance(card.height_m, share), distances_m[0]), distances_m[1])
        reach = min(0.95 * stage.half_width(distance), half_width_m)
        x = stage.uniform(-reach, reach)
        put_card(stage, card, (x, 0.0, -distance), shadow=True)


def put_card(stage: Stage, card: Card, place_m: tuple[float, float, float], shadow: bool) -> None:
    """A card at a place; where things move, half the cards drift, their shadows with them."""
    velocity = (0.0, 0.0, 0.0)
    if stage.moving and stage.rng.random() < 0.5:
        x, z = stage.rng.normal(0.0, 0.03), stage.rng.normal(0.0, 0.01)
        velocity = (float(x) * stage.scene.motion, 0.0, float(z) * stage.scene.motion)
    size = (card.width_m, card.height_m)
    sheet = Sheet(card.rgba, shift(*place_m), size, velocity_m=velocity, faces_camera=True)
    stage.things.append((-place_m[2], [sheet]))
    stage.scene.assets += card.assets
    if shadow:
        thrown = cast(card, place_m, stage.light)
        stage.shadows += [dataclasses.replace(one, velocity_m=_in(one, velocity)) for one in thrown]


def _in(decal: Sheet, velocity_m: tuple[float, float, float]) -> tuple[float, float, float]:
    """A velocity of the world in the decal's own axes."""
    x, y, z = (decal.pose[:3, :3].T @ np.asarray(velocity_m)).tolist()
    return x, y, z


def put_block(
    stage: Stage, heights_m: tuple[float, float], farthest_m: float, width_m: float
) -> None:
    """A box somewhere in view, not too near."""
    height = stage.uniform(*heights_m)
    size = (height * stage.uniform(0.4, 1.6), height, height * stage.uniform(0.3, 1.2))
    around = 0.5 * math.hypot(size[0], size[2])
    nearest = stage.distance(height, SHARES_OF_FRAME[1]) + around
    distance = max(nearest, stage.uniform(0.4, 1.0) * farthest_m)
    reach = min(stage.half_width(distance), width_m / 2 - around)
    if reach <= 0.0 or distance + around > 1.1 * farthest_m:
        return
    place = (stage.uniform(-reach, reach), -distance)
    yaw = stage.uniform(-45.0, 45.0)
    if heights_m[1] > 4.0:
        texture, assets = facade_texture(stage.rng, stage.split)
        stage.scene.assets += assets
        picture, repeat = opaque(texture), 2.5
    else:
        plain = opaque(wall_texture(stage.rng) * stage.rng.uniform(0.3, 1.0))
        picture, repeat = surface(stage, plain, 0.5, (0.5 * height, 1.5 * height))
    block = Block(place, size, yaw, picture, repeat)
    stage.things.append((distance, block.faces(stage.scene.camera_height_m, stage.light.yaw_deg)))
    at = (place[0], 0.0, place[1])
    stage.shadows.append(footprint_shadow(at, (size[0], size[2]), yaw, 0.6))


def surface(
    stage: Stage, drawn: Tensor, photo_share: float, repeats_m: tuple[float, float]
) -> tuple[Tensor, float]:
    """A drawn texture, or a window of a photo instead, and how often it repeats."""
    repeat = stage.uniform(*repeats_m)
    if not stage.material.photos or stage.rng.random() >= photo_share:
        return drawn, repeat
    picture = one_of(stage.rng, stage.material.photos)
    stage.scene.assets.append(picture.asset)
    return photo_window(picture, stage.rng, 1.0, stage.uniform(1.0, 4.0)), repeat


def lay(stage: Stage, ground: Sheet, indoors: bool) -> None:
    """Put the floor down with the shadows on it."""
    decals = list(stage.shadows)
    if indoors:
        decals += [uneven(ground, stage.rng, stage.uniform(0.0, 0.5)), corners(ground, 0.4)]
    stage.scene.sheets.append(dataclasses.replace(ground, decals=tuple(decals)))


def level(height_m: float, depth_m: float) -> Pose:
    """Where a floor, ground or ceiling lies that reaches as far behind the camera as before it."""
    # Turned by a right angle a sheet's own y points along -z of the world.
    pose: Pose = shift(0.0, height_m, depth_m / 2) @ turn(0, -90.0)
    return pose
