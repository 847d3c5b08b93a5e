"""What scenes are covered with: photos that come inside scikit-image, and procedural textures.

Only photos that ship in the scikit-image wheel are used, so nothing is downloaded, and only ones
whose licence lets results be shown: CC0 or public domain (see `PHOTOS`).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import skimage.data
import torch
import torch.nn.functional as F

from bokehflow.calibration.canvas import Array, Canvas
from bokehflow.errors import UnknownNameError
from bokehflow.media.levels import from_uint8
from bokehflow.srgb import srgb_to_linear

PHOTOS = {
    "astronaut": "NASA, public domain",
    "chelsea": "Stefan van der Walt, CC0",
    "coffee": "Rachel Michetti, CC0",
    "rocket": "SpaceX, public domain",
    "hubble_deep_field": "NASA, public domain",
    "brick": "CC0Textures, CC0",
    "grass": "linolafett, CC0",
    "gravel": "CC0Textures, CC0",
}
"""Name in `skimage.data` and its author and licence, as scikit-image documents them."""


def packaged_photo(name: str) -> torch.Tensor:
    """A colour or grey photo of `skimage.data`, [1, 3, h, w], sRGB 0..1; grey is repeated."""
    pixels = np.asarray(getattr(skimage.data, name)())
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], 3, axis=2)
    return from_uint8(pixels[:, :, :3])


@cache
def _photo_linear(name: str) -> torch.Tensor:
    """Linear light [1, 3, h, w] of a packaged photo; a grey one is repeated."""
    if name not in PHOTOS:
        raise UnknownNameError("photo", name, PHOTOS)
    return srgb_to_linear(packaged_photo(name))


def photo(name: str, canvas: Canvas, rng: np.random.Generator, zoom: float = 1.0) -> Array:
    """A packaged photo that fills the canvas, linear light float32 [rows, cols, 3].

    A random window of the canvas's shape is cut out, `zoom` times smaller than the largest that
    fits (>= 1), and half the time mirrored. Raises UnknownNameError for a photo not in `PHOTOS`.
    """
    source = _photo_linear(name)
    rows, cols = canvas.shape
    height, width = source.shape[2:]
    scale = min(height / rows, width / cols) / zoom
    h, w = int(rows * scale), int(cols * scale)
    top = int(rng.integers(0, height - h + 1))
    left = int(rng.integers(0, width - w + 1))
    window = source[:, :, top : top + h, left : left + w]
    if rng.random() < 0.5:
        window = window.flip(3)
    filled = F.interpolate(window, (rows, cols), mode="bicubic", antialias=True)
    return _array(filled.clamp(min=0.0)[0].permute(1, 2, 0))


def placed_photo(
    name: str, canvas: Canvas, point: tuple[float, float], at: tuple[float, float], zoom: float
) -> Array:
    """A packaged photo laid so that one of its points lies at a given place of the canvas.

    point: column and row in the photo's own pixels. at: x and y in frame pixels from the centre.
    zoom: frame pixels per photo pixel. Beyond the photo its rim goes on. Linear light float32
    [rows, cols, 3]. Raises UnknownNameError.
    """
    source = _photo_linear(name)
    height, width = source.shape[2:]
    rows, cols = canvas.shape
    col = torch.from_numpy((canvas.x - at[0]) / zoom + point[0]).expand(rows, cols)
    row = torch.from_numpy((canvas.y - at[1]) / zoom + point[1]).expand(rows, cols)
    grid = torch.stack([2.0 * col / width - 1.0, 2.0 * row / height - 1.0], dim=-1)[None].float()
    laid = F.grid_sample(source, grid, "bicubic", padding_mode="border", align_corners=False)
    return _array(laid.clamp(min=0.0)[0].permute(1, 2, 0))


def noise(canvas: Canvas, rng: np.random.Generator, cell_px: float, octaves: int = 4) -> Array:
    """Smooth random values about 0..1, float32 [rows, cols]; finest detail cell / 2^(octaves-1)."""
    rows, cols = canvas.shape
    total = torch.zeros(rows, cols)
    weight_sum = 0.0
    for octave in range(octaves):
        cell = max(2.0, canvas.texels(cell_px) / 2**octave)
        grid = rng.random((int(rows / cell) + 3, int(cols / cell) + 3), dtype=np.float32)
        layer = F.interpolate(torch.from_numpy(grid)[None, None], (rows, cols), mode="bicubic")
        total += 0.6**octave * layer[0, 0]
        weight_sum += 0.6**octave
    return _array((total / weight_sum).clamp(0.0, 1.0))


def marbled(canvas: Canvas, rng: np.random.Generator, cell_px: float = 60.0) -> Array:
    """Two random colours mixed by noise, linear light float32 [rows, cols, 3]."""
    mix = np.clip(2.5 * noise(canvas, rng, cell_px, octaves=5) - 0.75, 0.0, 1.0)[:, :, None]
    blend: Array = mix * pale_colour(rng) + (1.0 - mix) * dark_colour(rng)
    return blend


def tiles(canvas: Canvas, rng: np.random.Generator, size_px: float) -> Array:
    """A checkerboard of two colours with noise, turned by a random angle, [rows, cols, 3]."""
    angle = rng.uniform(0.0, np.pi / 2)
    size = canvas.px(size_px)
    along = canvas.x * np.cos(angle) + canvas.y * np.sin(angle)
    across = canvas.y * np.cos(angle) - canvas.x * np.sin(angle)
    odd = (np.floor(along / size) + np.floor(across / size)) % 2
    grain = 0.7 + 0.6 * noise(canvas, rng, 20.0)
    mix = odd[:, :, None].astype(np.float32)
    blend: Array = mix * pale_colour(rng) + (1.0 - mix) * dark_colour(rng)
    return blend * grain[:, :, None]


def writing(canvas: Canvas, rng: np.random.Generator, line_px: float) -> Array:
    """Dark dashes in lines on pale paper, like print: detail at the scale of a pixel."""
    pitch = canvas.px(line_px)
    row = np.floor(canvas.y / pitch)
    lengths = rng.uniform(0.5, 2.5, size=997).astype(np.float32)
    step = np.floor(canvas.x / (0.5 * pitch)) + 131.0 * row
    ink = lengths[np.mod(step, 997).astype(np.int64)] > 1.2
    inside = np.abs(canvas.y / pitch - row - 0.5) < 0.28
    dark = (ink & inside)[:, :, None].astype(np.float32)
    paper = np.array([0.75, 0.7, 0.6], dtype=np.float32) * (0.8 + 0.3 * rng.random())
    page: Array = (1.0 - dark) * paper + dark * 0.03
    return page


def random_colour(rng: np.random.Generator, low: float, high: float) -> Array:
    """One colour, linear light float32 [3]: a lightness between `low` and `high`, and a tint."""
    lightness = np.exp(rng.uniform(np.log(low), np.log(high)))
    tint = np.exp(rng.normal(0.0, 0.4, size=3))
    colour: Array = (lightness * tint).astype(np.float32)
    return colour


def pale_colour(rng: np.random.Generator) -> Array:
    """A colour that stands out against `dark_colour`."""
    return random_colour(rng, 0.35, 0.8)


def dark_colour(rng: np.random.Generator) -> Array:
    """A colour that stands out against `pale_colour`."""
    return random_colour(rng, 0.02, 0.12)


def _array(tensor: torch.Tensor) -> Array:
    values: Array = tensor.contiguous().numpy()
    return values
