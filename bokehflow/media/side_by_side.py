"""Two pictures of one size next to each other, each with its name, for people to compare."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from bokehflow.errors import SizeError
from bokehflow.media.levels import from_uint8, to_uint8

_LABEL_SHARE_OF_HEIGHT = 1 / 24
_MIN_LABEL_PX = 10
_GAP_SHARE_OF_HEIGHT = 1 / 80
_LABEL_BACKGROUND, _LABEL_COLOUR = (0, 0, 0), (255, 255, 255)


def side_by_side(
    left: Tensor, right: Tensor, labels: tuple[str, str] = ("before", "after")
) -> Tensor:
    """Both pictures in one, left and right of a white gap, each named in its upper left corner.

    left, right: [1, 3, H, W] sRGB 0..1. Returns float32 [1, 3, H, 2 W + gap]. Raises SizeError
    where the sizes differ.
    """
    if left.shape != right.shape:
        raise SizeError(f"pictures of shape {list(left.shape)} and {list(right.shape)}", "one size")
    height = left.shape[2]
    gap = np.full((height, _gap_px(height), 3), 255, dtype=np.uint8)
    named = [_with_label(image, label) for image, label in zip((left, right), labels, strict=True)]
    return from_uint8(np.concatenate([named[0], gap, named[1]], axis=1))


def side_by_side_width(height: int, width: int) -> int:
    """How wide `side_by_side` is for pictures of that size."""
    return 2 * width + _gap_px(height)


def _gap_px(height: int) -> int:
    return max(1, round(height * _GAP_SHARE_OF_HEIGHT))


def _with_label(image: Tensor, label: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    picture = Image.fromarray(to_uint8(image))
    size = max(_MIN_LABEL_PX, round(picture.height * _LABEL_SHARE_OF_HEIGHT))
    font = ImageFont.load_default(size)
    draw = ImageDraw.Draw(picture)
    margin = size // 2
    box = draw.textbbox((margin, margin), label, font=font)
    pad = size // 4
    draw.rectangle((box[0] - pad, box[1] - pad, box[2] + pad, box[3] + pad), fill=_LABEL_BACKGROUND)
    draw.text((margin, margin), label, font=font, fill=_LABEL_COLOUR)
    return np.asarray(picture)
