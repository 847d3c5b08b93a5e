"""The scan as a block of the network calls it: on its projection, keys not normalised yet."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

KEY_EPSILON = 1e-6
"""Added to the square of a key's length before it is divided by it."""


class Scan2d(Protocol):
    """A scan over a feature map in four directions; see `directions.chunk_scan_2d`."""

    def __call__(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        log_decay: Tensor,
        beta: Tensor,
        initial_state: Tensor | None,
        height: int,
        width: int,
        segments: int = 1,
    ) -> tuple[Tensor, Tensor]: ...


class ProjectedScan(Protocol):
    """A `Scan2d` whose q, k and v are one tensor [B, T, 3, 4, H, d], keys of any length."""

    def __call__(
        self,
        qkv: Tensor,
        log_decay: Tensor,
        beta: Tensor,
        initial_state: Tensor | None,
        height: int,
        width: int,
        segments: int = 1,
    ) -> tuple[Tensor, Tensor]: ...


class SplitScan:
    """A ProjectedScan made of a Scan2d: the projection is split and its keys are normalised."""

    def __init__(self, scan: Scan2d) -> None:
        self.scan = scan

    def __call__(
        self,
        qkv: Tensor,
        log_decay: Tensor,
        beta: Tensor,
        initial_state: Tensor | None,
        height: int,
        width: int,
        segments: int = 1,
    ) -> tuple[Tensor, Tensor]:
        q, k, v = qkv.unbind(2)
        # Under autocast the sum is float32, and the kernels want q, k and v in one dtype.
        k = (k * torch.rsqrt((k * k).sum(-1, keepdim=True) + KEY_EPSILON)).to(q.dtype)
        return self.scan(q, k, v, log_decay, beta, initial_state, height, width, segments=segments)
