"""Cut-outs in: a PNG whose alpha says what belongs to the thing shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bokehflow.errors import MediaError
from bokehflow.media.photo import decode_still

SOLID = 128
"""Alpha from which on a pixel counts as part of the thing, of 255."""


def read_cutout(path: Path) -> Tensor:
    """Read a picture with transparency, cropped to what is not wholly transparent.

    Returns float32 [4, H, W] in 0..1: sRGB, *not* premultiplied, and alpha. Raises MediaError for
    what cannot be read, and for a picture with nothing solid or nothing transparent in it.
    """
    rgba = np.asarray(decode_still(path).picture.convert("RGBA"))
    alpha = rgba[:, :, 3]
    if alpha.max() < SOLID:
        raise MediaError(f"{path} is transparent everywhere", "a cut-out")
    if alpha.min() == 255:
        raise MediaError(f"{path} has no transparent pixels", "a PNG with alpha around the thing")
    rows, cols = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    inner = rgba[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    return torch.from_numpy(inner.transpose(2, 0, 1).astype(np.float32) / 255.0)
