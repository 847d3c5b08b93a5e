"""Change of size in static shapes, with the same numbers on every engine.

Shrinking is whole-number average pooling, then a triangle filter as wide as the remaining ratio;
enlarging is linear interpolation. Pixel centres lie at half integers and the border is repeated.
For a ratio p / q in lowest terms the weights repeat after every q target pixels, so each axis is
one convolution of stride p with q output channels, set side by side afterwards.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from bokehflow.specs import Size


class Resample(nn.Module):
    """Resize maps from one size to another."""

    def __init__(self, source: Size, target: Size) -> None:
        super().__init__()
        self.pool = (
            _whole_ratio(source.height, target.height),
            _whole_ratio(source.width, target.width),
        )
        self.rows = _AxisResample(source.height // self.pool[0], target.height, axis=2)
        self.columns = _AxisResample(source.width // self.pool[1], target.width, axis=3)

    def forward(self, x: Tensor) -> Tensor:
        """x: [B, N, source height, source width]. Returns [B, N, target height, target width]."""
        if self.pool != (1, 1):
            x = F.avg_pool2d(x, self.pool)
        resized: Tensor = self.rows(self.columns(x))
        return resized


class _AxisResample(nn.Module):
    """Resize along one axis, 2 (height) or 3 (width)."""

    def __init__(self, source: int, target: int, axis: int) -> None:
        super().__init__()
        common = math.gcd(source, target)
        self.axis, self.step, self.phases = axis, source // common, target // common
        self.border = math.ceil(max(self.step / self.phases, 1.0))
        weights = torch.from_numpy(phase_weights(self.step, self.phases, self.border)).float()
        kernel = weights[:, None, :, None] if axis == 2 else weights[:, None, None, :]
        self.register_buffer("kernel", kernel.contiguous(), persistent=False)
        self.kernel: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """x: [B, N, H, W]. Returns it with another length along the axis."""
        if self.step == self.phases:
            return x
        batch, maps, height, width = x.shape
        along_rows = self.axis == 2
        border = (
            (0, 0, self.border, self.border) if along_rows else (self.border, self.border, 0, 0)
        )
        padded = F.pad(x.reshape(batch * maps, 1, height, width), border, mode="replicate")
        stride = (self.step, 1) if along_rows else (1, self.step)
        phases = F.conv2d(padded, self.kernel.to(x), stride=stride)
        if along_rows:
            height = height // self.step * self.phases
            side_by_side = phases.transpose(1, 2)
        else:
            width = width // self.step * self.phases
            side_by_side = phases.permute(0, 2, 3, 1)
        return side_by_side.reshape(batch, maps, height, width)


def phase_weights(step: int, phases: int, border: int) -> NDArray[np.float64]:
    """[phases, border + step + border] triangle weights of `phases` target pixels a `step` source
    pixels; every row sums to 1."""
    ratio = step / phases
    centre = (np.arange(phases)[:, None] + 0.5) * ratio
    position = np.arange(step + 2 * border)[None, :] - border + 0.5
    weights = np.clip(1.0 - np.abs(position - centre) / max(ratio, 1.0), 0.0, None)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _whole_ratio(source: int, target: int) -> int:
    """The largest pooling that leaves at least the target and divides the source evenly."""
    return max(p for p in range(1, max(source // target, 1) + 1) if source % p == 0)
