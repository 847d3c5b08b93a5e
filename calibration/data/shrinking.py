"""Pictures as large as they need to be."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def shrunk(pictures: Tensor, side_px: int) -> Tensor:
    """[n, C, H, W] with its longer side at most `side_px`."""
    height, width = pictures.shape[2:]
    scale = side_px / max(height, width)
    if scale >= 1.0:
        return pictures
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return F.interpolate(pictures, size, mode="area")
