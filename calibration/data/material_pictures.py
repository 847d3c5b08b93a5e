"""The pixels of the user's material, ready to be put on sheets."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from bokehflow.calibration.data.material import Picture
from bokehflow.calibration.data.shrinking import shrunk
from bokehflow.media import read_photo
from bokehflow.media.cutout import read_cutout
from bokehflow.srgb import srgb_to_linear

PHOTO_SIDE_PX, CUTOUT_SIDE_PX = 1024, 512
"""Larger pictures are shrunk to this; a frame of training shows no more."""
KEPT = 24
"""So many decoded pictures stay in memory, about 12 MB each at most."""


@lru_cache(maxsize=KEPT)
def photo_linear(picture: Picture) -> Tensor:
    """A photo in linear light, float32 [3, h, w]. Raises InputError where it changed."""
    light = srgb_to_linear(read_photo(picture.unchanged()))
    return shrunk(light, PHOTO_SIDE_PX)[0]


@lru_cache(maxsize=KEPT)
def cutout_linear(picture: Picture) -> Tensor:
    """A cut-out in linear light premultiplied by coverage, float32 [4, h, w]. Raises InputError."""
    rgba = read_cutout(picture.unchanged())
    light = torch.cat([srgb_to_linear(rgba[:3]) * rgba[3:], rgba[3:]])
    return shrunk(light[None], CUTOUT_SIDE_PX)[0]


def photo_window(picture: Picture, rng: np.random.Generator, aspect: float, zoom: float) -> Tensor:
    """A random window of a photo as an opaque sheet, [4, h, w].

    aspect: its width over its height. zoom: how many times smaller it is than the largest that
    fits, at least 1. Half the time it is mirrored.
    """
    light = photo_linear(picture)
    height, width = light.shape[1:]
    high = min(height, width / aspect) / zoom
    h, w = max(2, math.floor(high)), max(2, math.floor(high * aspect))
    top, left = int(rng.integers(0, height - h + 1)), int(rng.integers(0, width - w + 1))
    window = light[:, top : top + h, left : left + w]
    if rng.random() < 0.5:
        window = window.flip(2)
    return torch.cat([window, torch.ones(1, h, w)])
