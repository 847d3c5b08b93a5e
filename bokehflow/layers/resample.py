"""Change of size as two constant matrices: static shapes, and the same numbers on every engine.

Shrinking is whole-number average pooling, then a triangle filter as wide as the remaining ratio;
enlarging is linear. Pixel centres lie at half integers.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from bokehflow.specs import Size


def resample_matrix(source: int, target: int) -> NDArray[np.float64]:
    """[target, source] weights of a triangle filter; every row sums to 1."""
    ratio = source / target
    reach = max(ratio, 1.0)
    centre = (np.arange(target)[:, None] + 0.5) * ratio
    distance = np.abs(np.arange(source)[None, :] + 0.5 - centre)
    weights = np.clip(1.0 - distance / reach, 0.0, None)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


class Resample(nn.Module):
    """Resize maps from one size to another."""

    def __init__(self, source: Size, target: Size) -> None:
        super().__init__()
        self.pool = (
            _whole_ratio(source.height, target.height),
            _whole_ratio(source.width, target.width),
        )
        self.same = source == target
        rows = resample_matrix(source.height // self.pool[0], target.height)
        columns = resample_matrix(source.width // self.pool[1], target.width)
        self.register_buffer("rows", torch.from_numpy(rows).float(), persistent=False)
        self.register_buffer("columns", torch.from_numpy(columns.T).float(), persistent=False)
        self.rows: Tensor
        self.columns: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """x: [B, N, source height, source width]. Returns [B, N, target height, target width]."""
        if self.same:
            return x
        if self.pool != (1, 1):
            x = F.avg_pool2d(x, self.pool)
        return self.rows @ (x @ self.columns)


def _whole_ratio(source: int, target: int) -> int:
    """The largest pooling that leaves at least the target and divides the source evenly."""
    return max(p for p in range(1, max(source // target, 1) + 1) if source % p == 0)
