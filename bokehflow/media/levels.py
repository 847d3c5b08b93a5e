"""Between pictures as numbers in 0..1 and as levels of 8 bits."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bokehflow.errors import NumericalError


def to_uint8(image: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """[1, 3, H, W] in 0..1 as uint8 [H, W, 3], clipped and rounded to nearest.

    Raises NumericalError where a value is not finite.
    """
    if not bool(torch.isfinite(image).all()):
        raise NumericalError("the picture holds NaN or infinite values", "finite values")
    levels = (image[0].detach().float().clamp(0.0, 1.0) * 255.0).round().to(torch.uint8)
    return np.ascontiguousarray(levels.permute(1, 2, 0).cpu().numpy())


def from_uint8(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Tensor:
    """uint8 [H, W, 3] as float32 [1, 3, H, W] in 0..1."""
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255.0
