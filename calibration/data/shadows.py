"""Shadows and uneven light as decals: dark pictures that lie in a floor or a wall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.calibration.canvas import Canvas
from bokehflow.calibration.data.cards import Card
from bokehflow.calibration.data.pose import shift, turn
from bokehflow.calibration.data.sheet import Sheet
from bokehflow.calibration.materials import noise

SHADOW_ROWS = 48


@dataclass(frozen=True, slots=True)
class Light:
    """Where the light of a scene comes from.

    yaw_deg: which way shadows fall, 0 away from the camera. length: of a shadow, in heights of what
    casts it. strength: share of the light that a shadow takes. softness: width of a shadow's edge,
    as a share of its length.
    """

    yaw_deg: float
    length: float
    strength: float
    softness: float


def outdoor_light(rng: np.random.Generator) -> Light:
    """The sun, high or low, or a grey sky."""
    strength = float(rng.choice([0.15, 0.5, 0.75])) * float(rng.uniform(0.7, 1.0))
    length = float(rng.uniform(0.3, 2.2))
    return Light(float(rng.uniform(-180, 180)), length, strength, float(rng.uniform(0.02, 0.12)))


def indoor_light(rng: np.random.Generator) -> Light:
    """Lamps and windows: short soft shadows."""
    strength, length = float(rng.uniform(0.1, 0.5)), float(rng.uniform(0.1, 0.8))
    return Light(float(rng.uniform(-180, 180)), length, strength, float(rng.uniform(0.15, 0.4)))


def cast(card: Card, place_m: tuple[float, float, float], light: Light) -> tuple[Sheet, ...]:
    """What a card that stands at a place throws on a level surface there: contact and shadow."""
    contact_width = 1.15 * card.width_m
    contact = _blob(0.35 + 0.4 * light.strength)
    depth = 0.35 * card.width_m
    at = shift(*place_m) @ turn(0, -90.0) @ shift(0.0, -depth / 2, 0.0)
    decals = [Sheet(contact, at, (contact_width, depth))]
    long = card.height_m * light.length
    shadow, grown = _silhouette(card.rgba[3], light)
    at = shift(*place_m) @ turn(1, light.yaw_deg) @ turn(0, -90.0)
    at = at @ shift(0.0, -long * (grown - 1.0) / 2, 0.0)
    decals.append(Sheet(shadow, at, (card.width_m * grown, long * grown)))
    return tuple(decals)


def footprint_shadow(
    place_m: tuple[float, float, float],
    size_m: tuple[float, float],
    yaw_deg: float,
    strength: float,
) -> Sheet:
    """The dark edge round the foot of a solid box; size_m: its width and depth."""
    rim = 0.3 * min(size_m)
    size = size_m[0] + rim, size_m[1] + rim
    at = shift(*place_m) @ turn(1, yaw_deg) @ turn(0, -90.0) @ shift(0.0, -size[1] / 2, 0.0)
    x, y = _axes(33)
    edge = ((1.0 - torch.maximum(x.abs(), y.abs())) * 4.0).clamp(0.0, 1.0)
    return Sheet(_dark(strength * edge), at, size)


def corners(sheet: Sheet, strength: float) -> Sheet:
    """Darkness where a wall, floor or ceiling meets its neighbours."""
    x, y = _axes(64)
    near = torch.maximum(x.abs(), y.abs())
    return Sheet(_dark(strength * near**6), sheet.pose, sheet.size_m)


def uneven(sheet: Sheet, rng: np.random.Generator, strength: float) -> Sheet:
    """Light that varies smoothly over a wall or floor."""
    values = noise(Canvas(24, 24, 0), rng, float(rng.uniform(120.0, 300.0)), 2)
    return Sheet(_dark(strength * torch.from_numpy(np.asarray(values))), sheet.pose, sheet.size_m)


def _silhouette(alpha: Tensor, light: Light) -> tuple[Tensor, float]:
    """A blurred card, and how much larger it became each way."""
    rows = SHADOW_ROWS
    cols = max(4, round(rows * alpha.shape[1] / alpha.shape[0]))
    small = F.interpolate(alpha[None, None], (rows, cols), mode="area")
    # The same share of a margin each way, so that one factor tells the new size.
    share = 0.5
    small = F.pad(small, (_of(cols, share), _of(cols, share), _of(rows, share), _of(rows, share)))
    width = max(1, round(light.softness * rows))
    for _ in range(2):
        small = F.avg_pool2d(small, 2 * width + 1, 1, width, count_include_pad=True)
    return _dark(light.strength * small[0, 0]), 1.0 + 2.0 * share


def _of(length: int, share: float) -> int:
    return round(length * share)


def _blob(strength: float) -> Tensor:
    x, y = _axes(33)
    return _dark(strength * (1.0 - torch.hypot(x, y)).clamp(min=0.0) ** 0.7)


def _axes(count: int) -> tuple[Tensor, Tensor]:
    line = torch.linspace(-1.0, 1.0, count)
    y, x = torch.meshgrid(line, line, indexing="ij")
    return x, y


def _dark(alpha: Tensor) -> Tensor:
    return torch.cat([torch.zeros(3, *alpha.shape), alpha.clamp(0.0, 1.0)[None].float()])
