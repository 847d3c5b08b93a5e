"""Maxima and means over square windows, neighbours, sums over channels; all of the input's size."""

from __future__ import annotations

from collections.abc import Sequence

import torch
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


def window_ends(x: Tensor, window_px: int) -> Tensor:
    """[B, 2, H, W] of [B, 1, H, W]: the largest in such a window, and minus the smallest.

    `window_max` of it is the same for a window that is wider by `window_px` - 1.
    """
    return window_max(torch.cat([x, -x], 1), window_px)


def window_mean(x: Tensor, window_px: int) -> Tensor:
    """Mean in such a window; the frame goes on beyond its border as it ends there."""
    padded = F.pad(x, (window_px // 2,) * 4, mode="replicate")
    rows = F.avg_pool2d(padded, (window_px, 1), stride=1)
    return F.avg_pool2d(rows, (1, window_px), stride=1)


def neighbours(x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What lies left, right, above and below of each pixel; the frame's border repeats itself."""
    height, width = x.shape[2:]
    across = F.pad(x, (1, 1, 0, 0), mode="replicate")
    down = F.pad(x, (0, 0, 1, 1), mode="replicate")
    return across[..., :width], across[..., 2:], down[:, :, :height], down[:, :, 2:]


def added(parts: Sequence[Tensor]) -> Tensor:
    """The sum of tensors of one shape, one by one."""
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def channel_sum(x: Tensor) -> Tensor:
    """[..., 1, H, W] of [..., C, H, W]. Engines sum an axis that is not the last slowly."""
    return added(torch.split(x, 1, -3))


def ramp(x: Tensor, start: float, end: float) -> Tensor:
    """0 up to `start`, 1 from `end` on, linear between."""
    return ((x - start) / (end - start)).clamp(0.0, 1.0)
