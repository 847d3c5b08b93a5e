"""What one training step sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Batch(NamedTuple):
    """Clips as the network would see them, at its canonical field of view. All float32.

    frames, bokeh: [B, n, 3, H, W], sRGB 0..1, sharp and through the lens.
    inverse_depth: [B, n, 1, H, W], 1/m at the canonical field of view, 0 infinitely far.
    flow: [B, n - 1, 2, H, W], px (x, y), from each frame to the one before.
    flow_valid: [B, n - 1, 1, H, W], 0 or 1.
    lens: [B, 4] as `optics.LENS_FIELDS`, for depths at the canonical field of view.
    depth_cues: [B], 1 where depth can be learned from the picture.
    """

    frames: Tensor
    bokeh: Tensor
    inverse_depth: Tensor
    flow: Tensor
    flow_valid: Tensor
    lens: Tensor
    depth_cues: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in self))


def stack(samples: Sequence[Batch]) -> Batch:
    """One batch from batches of one clip each."""
    return Batch(*(torch.cat(tensors) for tensors in zip(*samples, strict=True)))
