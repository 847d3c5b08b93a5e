"""Maxima and means over square windows, one axis at a time; the result has the input's size."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def window_max(x: Tensor, window_px: int) -> Tensor:
    """Largest value of [B, C, H, W] in a window of odd width around each pixel of the frame."""
    half = window_px // 2
    rows = F.max_pool2d(x, (window_px, 1), stride=1, padding=(half, 0))
    return F.max_pool2d(rows, (1, window_px), stride=1, padding=(0, half))


def window_min(x: Tensor, window_px: int) -> Tensor:
    """Smallest value in such a window."""
    return -window_max(-x, window_px)


def window_mean(x: Tensor, window_px: int) -> Tensor:
    """Mean in such a window; the frame goes on beyond its border as it ends there."""
    padded = F.pad(x, (window_px // 2,) * 4, mode="replicate")
    rows = F.avg_pool2d(padded, (window_px, 1), stride=1)
    return F.avg_pool2d(rows, (1, window_px), stride=1)


def ramp(x: Tensor, start: float, end: float) -> Tensor:
    """0 up to `start`, 1 from `end` on, linear between."""
    return ((x - start) / (end - start)).clamp(0.0, 1.0)
