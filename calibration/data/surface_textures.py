"""What floors, walls and ceilings are covered with: procedural, or a packaged CC0 texture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bokehflow.calibration.canvas import Array, Canvas
from bokehflow.calibration.data.clip import Asset
from bokehflow.calibration.data.layout import Texture
from bokehflow.calibration.data.split import of_split
from bokehflow.calibration.materials import (
    PHOTOS,
    dark_colour,
    marbled,
    noise,
    pale_colour,
    photo,
    random_colour,
    tiles,
)

SIZE_PX = 128
GROUNDS, WALLS = ("grass", "gravel"), ("brick",)
TOO_DARK = ("hubble_deep_field",)
PICTURES = tuple(name for name in PHOTOS if name not in (*GROUNDS, *WALLS, *TOO_DARK))


@dataclass(frozen=True, slots=True)
class PackagedPhoto:
    """A photo inside scikit-image, with its author and licence."""

    name: str

    @property
    def asset(self) -> Asset:
        """Who made it, and under which licence it is used."""
        author, licence = PHOTOS[self.name].rsplit(", ", 1)
        return Asset(self.name, "scikit-image", author, licence)


def packaged(names: Sequence[str], split: str) -> Sequence[PackagedPhoto]:
    """Those of the packaged photos that belong to a split; may be none."""
    return of_split([PackagedPhoto(name) for name in names], split)


def floor_texture(rng: np.random.Generator) -> Texture:
    """Planks, tiles or carpet."""
    kind = rng.choice(["planks", "tiles", "carpet", "marble"], p=(0.4, 0.25, 0.25, 0.1))
    canvas = _canvas()
    if kind == "planks":
        return _finish(_planks(canvas, rng))
    if kind == "tiles":
        return _finish(_grid(canvas, rng, int(rng.integers(3, 8))))
    if kind == "marble":
        return _finish(marbled(canvas, rng, 120.0))
    base = 0.5 * random_colour(rng, 0.05, 0.6) + 0.5 * rng.uniform(0.05, 0.5)
    return _finish(base * (0.6 + 0.8 * noise(canvas, rng, 12.0)[:, :, None]))


def wall_texture(rng: np.random.Generator) -> Texture:
    """Plaster, stripes of wallpaper, or tiles; mostly pale."""
    canvas = _canvas()
    kind = rng.choice(["plaster", "plaster", "stripes", "tiles"])
    base = _paint(rng)
    grain = 0.92 + 0.16 * noise(canvas, rng, 60.0, octaves=5)[:, :, None]
    if kind == "tiles":
        return _finish(_grid(canvas, rng, int(rng.integers(4, 12))) * 0.5 + 0.5 * base)
    if kind == "stripes":
        period = canvas.width / rng.integers(3, 10)
        stripe = (np.sin(2 * np.pi * canvas.x / period) > rng.uniform(-0.5, 0.5))[:, :, None]
        grain = grain * np.where(stripe, 1.0, rng.uniform(0.6, 0.95))
    return _finish(base * grain * np.ones((*canvas.shape, 1), dtype=np.float32))


def bare_wall_texture(rng: np.random.Generator) -> Texture:
    """Paint without a pattern, mostly pale; or planks, or large bricks."""
    kind = rng.choice(["paint", "planks", "bricks"], p=(0.6, 0.25, 0.15))
    if kind == "planks":
        return plank_texture(rng)
    grain = 0.97 + 0.06 * noise(_canvas(), rng, 60.0)[:, :, None]
    if kind == "bricks":
        return _finish(0.3 * _grid(_canvas(), rng, int(rng.integers(6, 14))) + 0.7 * _pale(rng))
    return _finish(_pale(rng) * grain)


def board_texture(rng: np.random.Generator) -> Texture:
    """One colour, mostly nearly white, within a frame or without; a fifth have writing on them."""
    canvas = _canvas()
    colour = _pale(rng) if rng.random() < 0.7 else random_colour(rng, 0.03, 0.7)
    plain = colour * (0.98 + 0.04 * noise(canvas, rng, 80.0)[:, :, None])
    if rng.random() < 0.2:
        ink = (noise(canvas, rng, 6.0) > rng.uniform(0.6, 0.75))[:, :, None]
        plain = np.where(ink, dark_colour(rng), plain)
    if rng.random() < 0.5:
        aside = np.maximum(np.abs(canvas.x / canvas.width), np.abs(canvas.y / canvas.height))
        frame = (aside > 0.5 - rng.uniform(0.01, 0.05))[:, :, None]
        plain = np.where(frame, random_colour(rng, 0.02, 0.7), plain)
    return _finish(plain)


def concrete_texture(rng: np.random.Generator) -> Texture:
    """Nearly grey, with stains."""
    canvas = _canvas()
    grey = rng.uniform(0.12, 0.6) * np.array([1.0, rng.uniform(0.94, 1.0), rng.uniform(0.85, 1.0)])
    stains = rng.uniform(0.1, 0.6) * (noise(canvas, rng, 50.0, octaves=6)[:, :, None] - 0.5)
    return _finish(grey * (1.0 + stains))


def plank_texture(rng: np.random.Generator) -> Texture:
    """Planks of bare wood."""
    return _finish(_planks(_canvas(), rng))


def carton_texture(rng: np.random.Generator) -> Texture:
    """The side of a box: cardboard, or plastic of any colour; a third with a label."""
    canvas = _canvas()
    brown = rng.uniform(0.15, 0.45) * np.array([1.0, 0.7, 0.42])
    plastic = rng.random() < 0.5
    colour = random_colour(rng, 0.04, 0.8) if plastic else brown
    plain = colour * (0.94 + 0.12 * noise(canvas, rng, 30.0)[:, :, None])
    if rng.random() < 0.35:
        x, y = rng.uniform(-0.25, 0.25, size=2)
        away_x, away_y = np.abs(canvas.x / canvas.width - x), np.abs(canvas.y / canvas.height - y)
        label = ((away_x < rng.uniform(0.05, 0.2)) & (away_y < rng.uniform(0.05, 0.15)))[:, :, None]
        plain = np.where(label, random_colour(rng, 0.05, 0.85), plain)
    return _finish(plain)


def ceiling_texture(rng: np.random.Generator) -> Texture:
    """White, with a little grain."""
    canvas = _canvas()
    white = rng.uniform(0.65, 0.9)
    grain = 0.95 + 0.1 * noise(canvas, rng, 40.0)[:, :, None]
    return _finish(white * grain * np.ones((1, 1, 3), dtype=np.float32))


def ground_texture(rng: np.random.Generator, split: str) -> tuple[Texture, list[Asset]]:
    """Asphalt, paving, earth, or a packaged photo of grass or gravel, and whose it is."""
    canvas = _canvas()
    photos = packaged(GROUNDS, split)
    if photos and rng.random() < 0.4:
        chosen = photos[int(rng.integers(len(photos)))]
        tint = np.exp(rng.normal(0.0, 0.2, size=3))
        return _finish(photo(chosen.name, canvas, rng) * tint), [chosen.asset]
    kind = rng.choice(["asphalt", "paving", "earth", "tiles"])
    if kind == "paving":
        return _finish(_grid(canvas, rng, int(rng.integers(3, 9)))), []
    if kind == "tiles":
        return _finish(tiles(canvas, rng, float(rng.uniform(30.0, 120.0)))), []
    grey = {"asphalt": np.array([1.0, 1.0, 1.05]), "earth": np.array([1.0, 0.75, 0.45])}[str(kind)]
    grain = 0.4 + 1.2 * noise(canvas, rng, 30.0, octaves=6)[:, :, None]
    return _finish(rng.uniform(0.08, 0.3) * grey * grain), []


def facade_texture(rng: np.random.Generator, split: str) -> tuple[Texture, list[Asset]]:
    """A house wall with rows of dark windows, and whose brick it is if it is brick."""
    canvas = _canvas()
    photos, assets = packaged(WALLS, split), []
    wall = np.asarray(wall_texture(rng))
    if photos and rng.random() < 0.5:
        wall = photo(photos[0].name, canvas, rng)
        assets.append(photos[0].asset)
    x = (canvas.x / canvas.width + 0.5) * rng.integers(2, 5)
    y = (canvas.y / canvas.height + 0.5) * rng.integers(2, 5)
    half_x, half_y = rng.uniform(0.15, 0.3, size=2)
    window = (np.abs(x % 1.0 - 0.5) < half_x) & (np.abs(y % 1.0 - 0.5) < half_y)
    return _finish(np.where(window[:, :, None], dark_colour(rng), wall)), assets


def picture_texture(rng: np.random.Generator, split: str) -> tuple[Texture, list[Asset]]:
    """A picture for a wall: a packaged photo of the split, or marbled paper."""
    photos = packaged(PICTURES, split)
    if photos and rng.random() < 0.7:
        chosen = photos[int(rng.integers(len(photos)))]
        return _finish(photo(chosen.name, _canvas(), rng, rng.uniform(1.0, 1.6))), [chosen.asset]
    return _finish(marbled(_canvas(), rng, float(rng.uniform(40.0, 200.0)))), []


def _paint(rng: np.random.Generator) -> Array:
    """The colour of a wall: mostly nearly grey, sometimes strong."""
    colour = random_colour(rng, 0.25, 0.85)
    strength = rng.uniform(0.1, 0.8) ** 1.5
    muted: Array = strength * colour + (1.0 - strength) * colour.mean()
    return muted


def _pale(rng: np.random.Generator) -> Array:
    """White, cream or grey."""
    white = rng.uniform(0.35, 0.9) * np.exp(rng.normal(0.0, 0.06, size=3))
    return np.asarray(white, dtype=np.float32)


def _canvas() -> Canvas:
    return Canvas(SIZE_PX, SIZE_PX, 0)


def _planks(canvas: Canvas, rng: np.random.Generator) -> Array:
    row = np.floor((canvas.y / canvas.height + 0.5) * rng.integers(4, 12)).astype(int)
    tones = rng.uniform(0.7, 1.3, size=64).astype(np.float32)
    base = np.array([1.0, 0.62, 0.35]) * rng.uniform(0.08, 0.5)
    grain = 0.75 + 0.5 * noise(canvas, rng, 25.0, octaves=5)[:, :, None]
    planks: Array = base * tones[row % 64][:, :, None] * grain
    return planks


def _grid(canvas: Canvas, rng: np.random.Generator, count: int) -> Array:
    """Square tiles of one colour with joints, each a little lighter or darker."""
    x = (canvas.x / canvas.width + 0.5) * count
    y = (canvas.y / canvas.height + 0.5) * count
    tone = rng.uniform(0.8, 1.2, size=(count + 1, count + 1))
    own = tone[np.floor(y).astype(int), np.floor(x).astype(int)][:, :, None]
    joint = (np.minimum(x % 1.0, 1.0 - x % 1.0) < 0.04) | (np.minimum(y % 1.0, 1 - y % 1.0) < 0.04)
    laid: Array = np.where(joint[:, :, None], dark_colour(rng), own * pale_colour(rng))
    return laid


def _finish(colour: Array) -> Texture:
    full = np.broadcast_to(colour, (2 * SIZE_PX, 2 * SIZE_PX, 3))
    return np.ascontiguousarray(np.clip(full, 0.01, 0.92), dtype=np.float32)
