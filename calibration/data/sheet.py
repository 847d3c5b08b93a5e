"""Flat things in space, and the layers that the exact tracer takes of them.

A sheet is a rectangle with a picture on it: a floor, a wall, a person cut out of card. Seen through
a pinhole its inverse depth is linear in image coordinates, which is what the tracer's planes are,
so nothing is approximated however the camera stands.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.calibration.data.pinhole import Pinhole
from bokehflow.calibration.data.pose import Pose, inverse, moved
from bokehflow.calibration.surface import TEXELS_PER_PX, Plane
from bokehflow.calibration.thin_lens import Layer

NEAREST_M = 0.05
COARSEST_LEVEL = 7


@dataclass(frozen=True, slots=True)
class Haze:
    """Air that pales what is far. light: its colour, linear [3]; visibility_m: where 63% is air."""

    light: tuple[float, float, float]
    visibility_m: float


@dataclass(frozen=True, eq=False)
class Sheet:
    """A picture in space.

    rgba: linear light premultiplied by coverage, float32 [4, h, w]. pose: world from sheet at frame
    0; the sheet's own x goes right, y up, and (0, 0) is the middle of its lower edge. size_m: width
    and height. repeat_m: a side of the square that the picture fills before it repeats, mirrored;
    None fits it to the sheet. velocity_m: metres a frame in its own axes. far: infinitely far away,
    a sky, which fills what the camera sees. faces_camera: turns about its foot so that it is always
    parallel to the sensor and upright, which makes its blur the same all over and quick to trace.
    decals: sheets lying in this one, painted over it: shadows, posters, a worn path. haze: what air
    adds to it.
    """

    rgba: Tensor
    pose: Pose
    size_m: tuple[float, float]
    repeat_m: float | None = None
    velocity_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    far: bool = False
    faces_camera: bool = False
    decals: tuple[Sheet, ...] = ()
    haze: Haze | None = None

    def pose_at(self, frame: int, camera: Pinhole) -> Pose:
        """World from sheet at a frame, seen by a camera."""
        pose = moved(self.pose, self.velocity_m, (0.0, 0.0, 0.0), frame)
        if self.faces_camera:
            pose[:3, :3] = _facing(camera.world_from_camera)
        return pose


def sheet_layer(sheet: Sheet, camera: Pinhole, frame: int, margin_px: int) -> Layer:
    """What the camera sees of a sheet, on a canvas `margin_px` pixels larger on every side."""
    rays = _canvas_rays(camera, margin_px)
    if sheet.far:
        return Layer(_sky(sheet, camera, rays), Plane(0.0), margin_px)
    to_sheet = inverse(sheet.pose_at(frame, camera)) @ camera.world_from_camera
    rotation, origin = to_sheet[:3, :3], to_sheet[:3, 3]
    # On the sheet z is 0: origin_z + depth * ray_z = 0, so 1 / depth = -ray_z / origin_z.
    normal = -rotation[2] / _away_from_zero(origin[2])
    slopes = [0.0, 0.0] if sheet.faces_camera else (normal[:2] / camera.focal_px).tolist()
    surface = Plane(float(normal[2]), *slopes)
    q = (rays @ torch.from_numpy(normal).float()).clamp(min=1e-6)
    rgba = _placed(sheet, camera, frame, rays, q)
    for decal in sheet.decals:
        over = _placed(decal, camera, frame, rays, q)
        # What is painted on a sheet adds no coverage beyond its edges.
        rgba[:3] = rgba[:3] * (1.0 - over[3]) + over[:3] * rgba[3]
    if sheet.haze is not None:
        clear = torch.exp(-1.0 / (q * sheet.haze.visibility_m))
        air = torch.tensor(sheet.haze.light)[:, None, None]
        rgba[:3] = rgba[:3] * clear + air * rgba[3] * (1.0 - clear)
    visible = rays @ torch.from_numpy(normal).float() > 1e-5
    inside = visible & (q < 1.0 / NEAREST_M)
    return Layer(rgba * inside, surface, margin_px)


def _placed(sheet: Sheet, camera: Pinhole, frame: int, rays: Tensor, q: Tensor) -> Tensor:
    """The sheet's picture where rays meet its plane at inverse depth q, [4, rows, cols]."""
    to_sheet = inverse(sheet.pose_at(frame, camera)) @ camera.world_from_camera
    directions = rays @ torch.from_numpy(to_sheet[:2, :3].T.copy()).float()
    x = directions[..., 0] / q + float(to_sheet[0, 3])
    y = directions[..., 1] / q + float(to_sheet[1, 3])
    return _paint(sheet, x, y, q, camera.focal_px * TEXELS_PER_PX)


def _paint(sheet: Sheet, x: Tensor, y: Tensor, q: Tensor, texels_per_unit: float) -> Tensor:
    """The sheet's picture at places x, y (metres) seen at inverse depth q, [4, rows, cols]."""
    width_m, height_m = sheet.size_m
    scale_x = scale_y = 2.0 / sheet.repeat_m if sheet.repeat_m else 0.0
    if not sheet.repeat_m:
        scale_x, scale_y = 2.0 / width_m, 2.0 / height_m
    inside_x = _coverage(width_m / 2 - x.abs(), q, texels_per_unit)
    inside_y = _coverage(torch.minimum(y, height_m - y), q, texels_per_unit)
    whole = torch.zeros(4, *q.shape)
    box = _box((inside_x > 0) & (inside_y > 0))
    if box is None:
        return whole
    x, y, q, inside_x, inside_y = (values[box] for values in (x, y, q, inside_x, inside_y))
    u, v = x * scale_x, y * scale_y - 1.0
    # Texels of the picture a texel of the canvas, straight on: which level of the pyramid to read.
    rows = sheet.rgba.shape[1]
    footprint = (rows * scale_y / 2.0) / (q * texels_per_unit)
    level = torch.log2(footprint.clamp(min=1.0)).clamp(max=COARSEST_LEVEL - 1e-3)
    if sheet.repeat_m:
        # Floors and walls are seen aslant, where a texel covers more along than across.
        level = (level + 0.7).clamp(max=COARSEST_LEVEL - 1e-3)
    grid = torch.stack([u, -v], dim=-1).unsqueeze(0)
    padding = "reflection" if sheet.repeat_m else "zeros"
    painted = _read_pyramid(sheet.rgba, grid, level, padding)
    whole[:, box[0], box[1]] = painted * inside_x * inside_y
    return whole


def _box(used: Tensor) -> tuple[slice, slice] | None:
    """The rows and columns that hold all of `used` [rows, cols]; None for nothing."""
    rows, cols = torch.nonzero(used.any(dim=1)), torch.nonzero(used.any(dim=0))
    if len(rows) == 0:
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1)


def _coverage(distance_m: Tensor, q: Tensor, texels_per_unit: float) -> Tensor:
    """Share of a texel inside an edge at this distance (inside > 0)."""
    return (0.5 + distance_m * q * texels_per_unit).clamp(0.0, 1.0)


def _read_pyramid(rgba: Tensor, grid: Tensor, level: Tensor, padding: str) -> Tensor:
    """Trilinear reading: the two nearest levels of a picture's pyramid, mixed."""
    total = torch.zeros(4, *level.shape)
    picture = rgba.unsqueeze(0)
    for index in range(int(level.max()) + 2):
        weight = (1.0 - (level - index).abs()).clamp(min=0.0)
        if bool((weight > 0).any()):
            read = F.grid_sample(picture, grid, "bilinear", padding, align_corners=False)
            total += weight * read[0]
        if min(picture.shape[2:]) > 1:
            picture = F.avg_pool2d(picture, 2)
    return total


def _sky(sheet: Sheet, camera: Pinhole, rays: Tensor) -> Tensor:
    """A picture wrapped around the horizon: half a turn across, straight up at its top."""
    rotation = torch.from_numpy(camera.world_from_camera[:3, :3].T.copy()).float()
    world = F.normalize(rays @ rotation, dim=-1)
    u = torch.atan2(world[..., 0], -world[..., 2]) / (math.pi / 2)
    v = torch.asin(world[..., 1].clamp(-1.0, 1.0)) / (math.pi / 2)
    grid = torch.stack([u, 1.0 - 2.0 * v.clamp(min=0.0)], dim=-1).unsqueeze(0)
    sky = F.grid_sample(
        sheet.rgba.unsqueeze(0), grid, "bilinear", "reflection", align_corners=False
    )[0]
    sky[3] = 1.0
    return sky


def _canvas_rays(camera: Pinhole, margin_px: int) -> Tensor:
    """What every texel of the canvas sees at depth 1, float32 [rows, cols, 3]."""
    rows = TEXELS_PER_PX * (camera.height + 2 * margin_px)
    cols = TEXELS_PER_PX * (camera.width + 2 * margin_px)
    y = (torch.arange(rows) + 0.5 - rows / 2) / (TEXELS_PER_PX * camera.focal_px)
    x = (torch.arange(cols) + 0.5 - cols / 2) / (TEXELS_PER_PX * camera.focal_px)
    grid_y, grid_x = torch.meshgrid(y, x, indexing="ij")
    return torch.stack([grid_x, grid_y, torch.ones_like(grid_x)], dim=-1)


def _facing(world_from_camera: Pose) -> Pose:
    """Axes parallel to the sensor: z towards the camera, y as nearly up as it can be, [3, 3]."""
    towards = -world_from_camera[:3, 2]
    right = np.cross([0.0, 1.0, 0.0], towards)
    right = right / np.linalg.norm(right)
    return np.stack([right, np.cross(towards, right), towards], axis=1)


def _away_from_zero(value: float) -> float:
    return value if abs(value) > 1e-6 else math.copysign(1e-6, value)


def visible_sheets(layers: list[Layer]) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """Which layer each pixel of the sharp frame mostly shows, [H, W]; see `visible_depth_m`."""
    height, width = layers[0].frame_size
    shown, clear = torch.zeros(height, width, dtype=torch.long), torch.ones(height, width)
    for index in range(len(layers) - 1, -1, -1):
        border = TEXELS_PER_PX * layers[index].margin_px
        coverage = layers[index].rgba[3:, border:-border, border:-border]
        left = clear * (1.0 - F.avg_pool2d(coverage, TEXELS_PER_PX)[0])
        shown = torch.where((clear > 0.5) & (left <= 0.5), index, shown)
        clear = left
    return shown.numpy().astype(np.intp)
