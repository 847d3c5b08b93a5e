"""Layered scenes of the user's own photos and cut-outs: rooms, table tops, open land.

Everything stands on a level surface in true perspective, at its real height, with its shadow; a
share of the scenes are cut-outs over a photo instead, which teach the renderer only.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import torch
from torch import Tensor

from bokehflow.calibration.data.composed_cards import choose_card, framed, one_of
from bokehflow.calibration.data.composed_stage import (
    ASPECT,
    Stage,
    lay,
    level,
    put_block,
    put_card,
    stand_cards,
    surface,
)
from bokehflow.calibration.data.layered_scene import HUGE_M, LayeredScene, opaque, sky_picture
from bokehflow.calibration.data.material import Material
from bokehflow.calibration.data.material_pictures import photo_window
from bokehflow.calibration.data.pinhole import FOV_RANGE_DEG
from bokehflow.calibration.data.pose import shift, turn
from bokehflow.calibration.data.shadows import (
    corners,
    indoor_light,
    outdoor_light,
    uneven,
)
from bokehflow.calibration.data.sheet import Haze, Sheet
from bokehflow.calibration.data.surface_textures import (
    ceiling_texture,
    floor_texture,
    ground_texture,
    wall_texture,
)

KINDS = ("photo", "room", "table", "land")
SHARES = (0.15, 0.32, 0.23, 0.3)


def compose_scene(
    rng: np.random.Generator, material: Material, split: str, moving: bool
) -> LayeredScene:
    """A scene of one of the kinds, of a split's own material; `moving` lets some things drift."""
    kind = str(rng.choice(KINDS, p=SHARES))
    light = outdoor_light(rng) if kind == "land" else indoor_light(rng)
    stage = Stage(rng, material, split, moving, light, float(rng.uniform(*FOV_RANGE_DEG)))
    {"photo": _photo, "room": _room, "table": _table, "land": _land}[kind](stage)
    scene = stage.scene
    if stage.things:
        middle = float(np.median([distance for distance, _ in stage.things]))
        drop = stage.uniform(0.2, 1.0) * scene.camera_height_m
        scene.pitch_deg = -math.degrees(math.atan2(drop, middle))
    scene.fov_deg = stage.fov_deg
    for _, sheets in sorted(stage.things, key=lambda thing: -thing[0]):
        scene.sheets += sheets
    tint = np.exp(rng.normal(0.0, 0.12) * np.array([1.0, 0.0, -1.0]))
    scene.sheets = [_tinted(sheet, torch.from_numpy(tint).float()) for sheet in scene.sheets]
    return scene


def _room(stage: Stage) -> None:
    """Floor, ceiling, three walls with pictures on them, boxes, and what stands about."""
    scene = stage.scene
    scene.camera_height_m = stage.uniform(0.5, 1.9)
    depth, width, height = stage.uniform(2.5, 9.0), stage.uniform(2.5, 8.0), stage.uniform(2.3, 3.2)
    walls, repeat = surface(stage, opaque(wall_texture(stage.rng)), 0.25, (1.0, 3.0))
    scene.sheets.append(_wall(stage, Sheet(walls, shift(0, 0, -depth), (width, height), repeat)))
    for side in (-1.0, 1.0):
        pose = shift(side * width / 2, 0.0, 0.0) @ turn(1, -90.0 * side)
        scene.sheets.append(_wall(stage, Sheet(walls, pose, (2 * depth, height), repeat)))
    ceiling = opaque(ceiling_texture(stage.rng))
    scene.sheets.append(Sheet(ceiling, level(height, 2 * depth), (width, 2 * depth), 2.0))
    floor, repeat = surface(stage, opaque(floor_texture(stage.rng)), 0.35, (0.6, 3.0))
    for _ in range(int(stage.rng.integers(0, 3))):
        put_block(stage, (0.3, 1.9), 0.9 * depth, width)
    stand_cards(stage, (0.1, 2.1), (0.5, 0.95 * depth), int(stage.rng.integers(3, 9)), 0.48 * width)
    lay(stage, Sheet(floor, level(0.0, 2 * depth), (width, 2 * depth), repeat), indoors=True)


def _land(stage: Stage) -> None:
    """Ground under a sky, far scenery, houses, and what stands about, in some haze."""
    scene, rng = stage.scene, stage.rng
    scene.camera_height_m = stage.uniform(0.4, 2.0)
    scene.sheets.append(Sheet(sky_picture(rng), np.eye(4), (1.0, 1.0), far=True))
    air = stage.uniform(0.3, 0.8)
    light = (air * stage.uniform(0.75, 1.0), air * stage.uniform(0.85, 1.0), air)
    haze = Haze(light, math.exp(stage.uniform(math.log(60.0), math.log(2000.0))))
    texture, assets = ground_texture(rng, stage.split)
    ground, repeat = surface(stage, opaque(texture), 0.5, (1.0, 6.0))
    scene.assets += assets
    far: list[Sheet] = []
    if stage.material.photos and rng.random() < 0.5:
        far.append(_scenery(stage))
    for _ in range(int(rng.integers(0, 3)) if rng.random() < 0.5 else 0):
        put_block(stage, (2.5, 9.0), 60.0, 60.0)
    stand_cards(stage, (0.2, 9.0), (0.8, 50.0), int(rng.integers(4, 11)), math.inf)
    size = (2 * HUGE_M, 2 * HUGE_M)
    lay(stage, Sheet(ground, level(0.0, size[1]), size, repeat), indoors=False)
    scene.sheets += far
    scene.sheets = [_hazy(sheet, haze) for sheet in scene.sheets]
    stage.things = [(d, [_hazy(sheet, haze) for sheet in sheets]) for d, sheets in stage.things]


def _table(stage: Stage) -> None:
    """A table top from above, small things on it, a room or a photo behind it."""
    scene, rng = stage.scene, stage.rng
    scene.camera_height_m = stage.uniform(0.12, 0.7)
    width, depth = stage.uniform(0.8, 2.5), stage.uniform(0.5, 1.8)
    behind = depth + stage.uniform(0.3, 4.0)
    low = -0.8
    # The wall behind ends where the floor would, below what a table hides.
    if stage.material.photos and rng.random() < 0.6:
        picture = one_of(rng, stage.material.photos)
        scene.assets.append(picture.asset)
        wall, repeat = photo_window(picture, rng, 1.5, stage.uniform(1.0, 1.3)), None
    else:
        wall, repeat = surface(stage, opaque(wall_texture(rng)), 0.2, (1.0, 3.0))
    span = 6.0 * behind
    pose = shift(0.0, low - 1.5 * behind, -behind)
    scene.sheets.append(Sheet(wall, pose, (span, span / 1.5), repeat))
    scene.sheets[-1] = dataclasses.replace(
        scene.sheets[-1], decals=(uneven(scene.sheets[-1], rng, stage.uniform(0.0, 0.6)),)
    )
    top, repeat = surface(stage, opaque(floor_texture(rng)), 0.4, (0.4, 1.5))
    scene.motion = 0.25
    for _ in range(int(rng.integers(0, 2))):
        put_block(stage, (0.05, 0.3), 0.8 * depth, 0.7 * width)
    count = int(rng.integers(3, 9))
    stand_cards(stage, (0.02, 0.5), (0.2, 0.9 * depth), count, 0.45 * width)
    pose = shift(0.0, 0.0, 0.3) @ turn(0, -90.0)
    lay(stage, Sheet(top, pose, (width, depth + 0.3), repeat), indoors=True)


def _photo(stage: Stage) -> None:
    """Cards before a photo, at any depth and height: exact edges, but no cue to depth."""
    scene, rng = stage.scene, stage.rng
    scene.depth_cues = False
    distance = stage.uniform(2.5, 20.0)
    side = 2.4 * stage.half_width(distance)
    if stage.material.photos:
        picture = one_of(rng, stage.material.photos)
        scene.assets.append(picture.asset)
        backdrop = photo_window(picture, rng, 1.0 / ASPECT, stage.uniform(1.0, 1.5))
    else:
        backdrop = opaque(wall_texture(rng))
    pose = shift(0.0, scene.camera_height_m - 0.5 * side * ASPECT, -distance)
    scene.sheets.append(Sheet(backdrop, pose, (side, side * ASPECT), faces_camera=True))
    for q in rng.uniform(1.0 / distance, 2.0, size=int(rng.integers(2, 7))).tolist():
        card = choose_card(rng, stage.material, stage.split, (0.0, math.inf))
        reach = stage.half_width(1.0 / q)
        card = dataclasses.replace(card, height_m=stage.uniform(0.4, 1.5) * reach)
        x, y = stage.uniform(-0.8, 0.8) * reach, stage.uniform(-0.6, 0.6) * reach
        y += scene.camera_height_m - card.height_m / 2
        put_card(stage, card, (x, y, -1.0 / q), shadow=False)


def _scenery(stage: Stage) -> Sheet:
    """A photo far away, as wide as the view: woods, hills or houses."""
    picture = one_of(stage.rng, stage.material.photos)
    stage.scene.assets.append(picture.asset)
    distance, aspect = stage.uniform(30.0, 120.0), stage.uniform(2.0, 4.0)
    width = 3.0 * stage.half_width(distance)
    rgba = photo_window(picture, stage.rng, aspect, 1.0)
    return Sheet(rgba, shift(0.0, 0.0, -distance), (width, width / aspect))


def _wall(stage: Stage, wall: Sheet) -> Sheet:
    """A wall with pictures on it, darker in its corners and unevenly lit."""
    decals = []
    if stage.material.photos:
        for _ in range(int(stage.rng.integers(0, 4))):
            picture = one_of(stage.rng, stage.material.photos)
            stage.scene.assets.append(picture.asset)
            high, aspect = stage.uniform(0.25, 1.0), stage.uniform(0.6, 1.7)
            rgba = photo_window(picture, stage.rng, aspect, stage.uniform(1.0, 1.5))
            x, y = stage.uniform(-0.45, 0.45) * wall.size_m[0], stage.uniform(0.7, 1.5)
            pose = wall.pose @ shift(x, y, 0.0)
            decals.append(Sheet(framed(stage.rng, rgba), pose, (high * aspect, high)))
    decals.append(uneven(wall, stage.rng, stage.uniform(0.0, 0.6)))
    decals.append(corners(wall, stage.uniform(0.0, 0.6)))
    return dataclasses.replace(wall, decals=tuple(decals))


def _hazy(sheet: Sheet, haze: Haze) -> Sheet:
    return sheet if sheet.far else dataclasses.replace(sheet, haze=haze)


def _tinted(sheet: Sheet, tint: Tensor) -> Sheet:
    """The sheet in light of another colour; its decals too, but not the air before it."""
    gain = torch.cat([tint, torch.ones(1)])[:, None, None]
    decals = tuple(_tinted(decal, tint) for decal in sheet.decals)
    return dataclasses.replace(sheet, rgba=sheet.rgba * gain, decals=decals)
