"""One picture for people: real photos, their depth, and their bokeh at two focus distances.

Whether a depth map is right on a photo without truth is for a person to say; this is what to look
at.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from bokehflow.atomic import atomic_file
from bokehflow.media.levels import to_uint8
from bokehflow.model import BokehFlow
from bokehflow.optics import Lens

Pixels = npt.NDArray[np.uint8]

LENS = Lens(focal_length_mm=85.0, f_number=2.0, focus_m=2.0)
NEAR_SHARE, FAR_SHARE = 0.1, 0.9
"""The focus lies at these quantiles of the predicted depth."""
NEAREST_FOCUS_M = 0.3
TILE_WIDTH_PX, TILE_HEIGHT_PX = 224, 168
CAPTION_PX, GAP_PX = 16, 4
PHOTOS_A_ROW = 2
JPEG_QUALITY = 82
HEADINGS = ("depth, near is warm", "focus near", "focus far")
COLOURS = np.array(
    [[20, 24, 82], [32, 108, 172], [92, 190, 170], [238, 222, 110], [240, 130, 50], [168, 20, 40]],
    dtype=np.float64,
)
"""From far to near."""


def photo_row(model: BokehFlow, photo: Tensor) -> list[Tensor]:
    """Photo, coloured depth, and bokeh focused near and far, [1, 3, H, W] sRGB each.

    photo: [1, 3, H, W], sRGB 0..1.
    """
    depth = model(photo, LENS).depth
    near, far = (float(depth.quantile(share)) for share in (NEAR_SHARE, FAR_SHARE))
    pictures = [
        model(photo, dataclasses.replace(LENS, focus_m=max(focus, NEAREST_FOCUS_M))).bokeh
        for focus in (near, far)
    ]
    return [photo, colour_depth(depth), *pictures]


def colour_depth(depth_m: Tensor) -> Tensor:
    """Log depth [1, 1, H, W] between its 2nd and 98th per cent as colours, near is warm."""
    nearness = -depth_m[0, 0].log().numpy().astype(np.float64)
    low, high = np.quantile(nearness, [0.02, 0.98])
    place = np.clip((nearness - low) / max(high - low, 1e-6), 0.0, 1.0) * (len(COLOURS) - 1)
    channels = [np.interp(place, np.arange(len(COLOURS)), COLOURS[:, i]) for i in range(3)]
    return torch.from_numpy(np.stack(channels)).float()[None] / 255.0


def write_contact_sheet(path: Path, rows: Iterable[tuple[str, Sequence[Tensor]]]) -> int:
    """Write named rows of pictures as one JPEG; returns how many. Raises OutputError."""
    blocks = [_block(name, pictures) for name, pictures in rows]
    columns = min(PHOTOS_A_ROW, len(blocks))
    lines = -(-len(blocks) // columns)
    height, width = blocks[0].shape[:2]
    sheet = np.full((lines * height, columns * width, 3), 255, dtype=np.uint8)
    for index, block in enumerate(blocks):
        top, left = index // columns * height, index % columns * width
        sheet[top : top + height, left : left + width] = block
    with atomic_file(path) as hidden:
        Image.fromarray(sheet).save(hidden, format="JPEG", quality=JPEG_QUALITY)
    return len(blocks)


def _block(name: str, pictures: Sequence[Tensor]) -> Pixels:
    """One photo's tiles side by side under a caption."""
    step = TILE_WIDTH_PX + GAP_PX
    canvas = Image.new("RGB", (step * len(pictures), CAPTION_PX + TILE_HEIGHT_PX + GAP_PX), "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(CAPTION_PX - 5)
    headings = (name, *HEADINGS)
    for index, (heading, picture) in enumerate(zip(headings, pictures, strict=True)):
        draw.text((index * step, 1), heading[:40], font=font, fill="black")
        tile = Image.fromarray(to_uint8(_fitted(picture)))
        canvas.paste(tile, (index * step, CAPTION_PX))
    return np.asarray(canvas)


def _fitted(picture: Tensor) -> Tensor:
    """The picture as large as fits a tile."""
    height, width = picture.shape[2:]
    scale = min(TILE_HEIGHT_PX / height, TILE_WIDTH_PX / width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    return F.interpolate(picture, size, mode="bilinear", antialias=True).clamp(0.0, 1.0)
