"""Cards of the user's material: cut-outs at their real height, boards with photos on them."""

from __future__ import annotations

import math

import numpy as np
import torch

from bokehflow.calibration.data.cards import Card, make_card
from bokehflow.calibration.data.material import Material, Picture
from bokehflow.calibration.data.material_pictures import cutout_linear, photo_window

UNKNOWN_HEIGHTS_M = (0.25, 1.8)
"""Where a cut-out's height is not given it may be any of these."""
HEIGHT_SPREAD = 0.12
TRIES = 8
PROCEDURAL_SIDE_PX = 224


def choose_card(
    rng: np.random.Generator, material: Material, split: str, heights_m: tuple[float, float]
) -> Card:
    """A card whose height lies in a range: a cut-out, a board with a photo, or a drawn thing."""
    for _ in range(TRIES):
        card = _any_card(rng, material, split, heights_m)
        if heights_m[0] <= card.height_m <= heights_m[1]:
            return card
    return board(rng, material, heights_m)


def _any_card(
    rng: np.random.Generator, material: Material, split: str, heights_m: tuple[float, float]
) -> Card:
    kind = rng.random()
    if kind < 0.72 and material.cutouts:
        return cutout(rng, one_of(rng, material.cutouts))
    if kind < 0.82:
        return board(rng, material, heights_m)
    return make_card(rng, split, PROCEDURAL_SIDE_PX)


def cutout(rng: np.random.Generator, picture: Picture) -> Card:
    """A cut-out as it is or mirrored, a little brighter or darker, near its real height."""
    rgba = cutout_linear(picture)
    if rng.random() < 0.5:
        rgba = rgba.flip(2)
    light = np.exp(rng.normal(0.0, 0.08, size=3) + rng.normal(0.0, 0.25))
    gain = torch.tensor([*light.tolist(), 1.0]).float()[:, None, None]
    height = picture.height_m or _log_uniform(rng, *UNKNOWN_HEIGHTS_M)
    height *= 1.0 + float(rng.uniform(-HEIGHT_SPREAD, HEIGHT_SPREAD))
    return Card(rgba * gain, height, (picture.asset,))


def board(rng: np.random.Generator, material: Material, heights_m: tuple[float, float]) -> Card:
    """An upright board with a photo on it, or in one colour where there are no photos."""
    height = _log_uniform(rng, max(0.1, heights_m[0]), min(2.2, max(0.15, heights_m[1])))
    aspect = float(rng.uniform(0.5, 1.6))
    if not material.photos:
        colour = torch.from_numpy(rng.uniform(0.05, 0.7, size=(3, 1, 1))).float()
        return Card(
            torch.cat([colour, torch.ones(1, 1, 1)]).repeat(1, 64, int(64 * aspect)), height
        )
    picture = one_of(rng, material.photos)
    rgba = photo_window(picture, rng, aspect, float(rng.uniform(1.0, 2.5)))
    return Card(framed(rng, rgba), height, (picture.asset,))


def framed(rng: np.random.Generator, rgba: torch.Tensor) -> torch.Tensor:
    """The picture with a plain frame round it, half the time."""
    if rng.random() < 0.5:
        return rgba
    border = max(1, round(min(rgba.shape[1:]) * rng.uniform(0.02, 0.1)))
    colour = torch.from_numpy(rng.uniform(0.01, 0.8) * rng.uniform(0.6, 1.0, size=(3, 1, 1)))
    result = rgba.clone()
    inner = result[:, border:-border, border:-border].clone()
    result[:3] = colour.float()
    result[:, border:-border, border:-border] = inner
    return result


def one_of(rng: np.random.Generator, pictures: tuple[Picture, ...]) -> Picture:
    """One of them at random."""
    return pictures[int(rng.integers(len(pictures)))]


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return math.exp(rng.uniform(math.log(low), math.log(high)))
