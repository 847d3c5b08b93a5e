"""Maps whose pixels are square cells of a frame: to whole cells, back to pixels, to the frame."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def padded_to_cells(x: Tensor, cell_px: int) -> Tensor:
    """[B, C, H, W] with its last row and column repeated up to a whole number of cells."""
    down, right = (-size % cell_px for size in x.shape[2:])
    return F.pad(x, (0, right, 0, down), mode="replicate") if down or right else x


def enlarged(x: Tensor, factor: int) -> Tensor:
    """[B, C, h, w] at factor times its sides, linear between."""
    if factor == 1:
        return x
    return F.interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=False)


def repeated(x: Tensor, factor: int) -> Tensor:
    """[B, C, h, w] at factor times its sides, every cell as it is."""
    return F.interpolate(x, scale_factor=float(factor), mode="nearest") if factor > 1 else x


def cropped(x: Tensor, height: int, width: int) -> Tensor:
    """The first rows and columns of [B, C, H, W]."""
    # A slice that keeps everything would leave a node behind that not every converter knows.
    return x if x.shape[2:] == (height, width) else x[:, :, :height, :width]
