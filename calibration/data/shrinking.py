"""Pictures and depths as large as they need to be."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def shrunk(pictures: Tensor, side_px: int) -> Tensor:
    """[n, C, H, W] with its longer side at most `side_px`, every pixel the mean of those it covers.

    Depths are not to be mixed: see `picked`.
    """
    return _resized(pictures, side_px, "area")


def picked(maps: Tensor, side_px: int) -> Tensor:
    """The same with one of the values that a pixel covers: between two depths lies no third."""
    return _resized(maps, side_px, "nearest-exact")


def _resized(pictures: Tensor, side_px: int, mode: str) -> Tensor:
    height, width = pictures.shape[2:]
    scale = side_px / max(height, width)
    if scale >= 1.0:
        return pictures
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return F.interpolate(pictures, size, mode=mode)
