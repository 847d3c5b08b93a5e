"""The BiGDR block: four-direction gated delta scan, adaptive direction fusion, local mixing.

Source: founding document, sections 3.1 and 4.3; per-channel fusion weights and one projection a
direction are the reading under which the document's parameter table holds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bokehflow.layers.gates import TokenGates, log_decay_above
from bokehflow.layers.segments import SegmentStart
from bokehflow.scan import DIRECTIONS

Start = Tensor | SegmentStart
"""The state before a block's scan: one, or those of its segments."""


class BlockScan(Protocol):
    """A `ProjectedScan`, or one with starts of its own such as `segments.SegmentScan`."""

    def __call__(
        self,
        qkv: Tensor,
        log_decay: Tensor,
        beta: Tensor,
        start: Any,
        height: int,
        width: int,
        /,
    ) -> tuple[Tensor, Tensor]: ...


KINDS = 5
"""What a projection holds for each direction: q, k, v, alpha_proj, beta_proj."""


class DirectionFusion(nn.Module):
    """LayerNorm(sum_d gamma_d o_d), gamma = softmax over directions, a weight a channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weigh = nn.Linear(len(DIRECTIONS) * channels, len(DIRECTIONS) * channels)
        self.mix: Callable[[Tensor, Tensor], Tensor] = _softmax_sum
        self.norm = nn.LayerNorm(channels)

    def forward(self, outputs: Tensor) -> Tensor:
        """outputs: [B, T, 4, C], the four scans at every token. Returns [B, T, C]."""
        logits = self.weigh(outputs.flatten(2)).reshape(outputs.shape)
        fused: Tensor = self.norm(self.mix(logits, outputs))
        return fused


def _softmax_sum(logits: Tensor, values: Tensor) -> Tensor:
    """sum_d softmax(logits)_d values_d: [B, T, 4, C] both; returns [B, T, C]."""
    return (logits.softmax(dim=2) * values).sum(2)


class ScanMixer(nn.Module):
    """Projections, gates, the four scans and their fusion."""

    def __init__(self, channels: int, heads: int, scan: BlockScan) -> None:
        super().__init__()
        self.heads, self.head_size = heads, channels // heads
        self.scan = scan
        directions = len(DIRECTIONS)
        self.project = nn.Linear(channels, KINDS * directions * channels)
        self.linear: Callable[[Tensor, Tensor, Tensor], Tensor] = F.linear
        self.gates = TokenGates(2 * directions * heads, self.head_size)
        self.fuse = DirectionFusion(channels)
        self.out = nn.Linear(channels, channels)

    def forward(
        self, x: Tensor, room: Tensor, start: Start, height: int, width: int
    ) -> tuple[Tensor, Tensor]:
        """x: [B, T, C] tokens in raster order; room: [B, 1], 1 - alpha_min; start: [B, 4, H, d, d]
        or what else the scan starts from.

        Returns [B, T, C] and the final state.
        """
        batch, length, channels = x.shape
        directions = len(DIRECTIONS)
        qkv, gates = self._projected(x)
        qkv = qkv.reshape(batch, length, 3, directions, self.heads, self.head_size)
        alpha, beta = self.gates(gates).chunk(2, dim=-1)
        by_direction = (batch, length, directions, self.heads)
        log_decay = log_decay_above(room[:, :, None], alpha).reshape(by_direction)
        beta = torch.sigmoid(beta).reshape(by_direction)
        o, final = self.scan(qkv, log_decay, beta, start, height, width)
        fused = self.fuse(o.reshape(batch, length, directions, channels))
        return self.out(fused), final

    def _projected(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """q, k and v together, [B, T, 12C], and what the gates read, [B, T, 8C].

        Two products with parts of one matrix: parts of one product would have to be put together
        again on the way back, and they are the widest tensors there are.
        """
        sizes = [3 * len(DIRECTIONS) * x.shape[-1], 2 * len(DIRECTIONS) * x.shape[-1]]
        weights, biases = (torch.split(x, sizes) for x in (self.project.weight, self.project.bias))
        sequences, gates = (self.linear(x, w, b) for w, b in zip(weights, biases, strict=True))
        return sequences, gates


class LocalMixer(nn.Module):
    """Depthwise 3x3 convolution, GELU, pointwise convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.pointwise = nn.Linear(channels, channels)

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        """x: [B, T, C] tokens in raster order. Same shape back."""
        # Tokens are a map whose channels come last: no copy there, and none on the way back.
        grid = x.reshape(x.shape[0], height, width, x.shape[2]).permute(0, 3, 1, 2)
        mixed: Tensor = self.depthwise(grid).permute(0, 2, 3, 1).flatten(1, 2)
        out: Tensor = self.pointwise(F.gelu(mixed))
        return out


class BiGDRBlock(nn.Module):
    """x + scan(norm(x)), then x + local(norm(x))."""

    def __init__(self, channels: int, heads: int, scan: BlockScan) -> None:
        super().__init__()
        self.scan_norm = nn.LayerNorm(channels)
        self.scan = ScanMixer(channels, heads, scan)
        self.local_norm = nn.LayerNorm(channels)
        self.local = LocalMixer(channels)

    def forward(
        self, x: Tensor, room: Tensor, start: Start, height: int, width: int
    ) -> tuple[Tensor, Tensor]:
        """x: [B, T, C]; room: [B, 1], 1 - alpha_min; start: as the mixer's. Returns x and state."""
        mixed, final = self.scan(self.scan_norm(x), room, start, height, width)
        x = x + mixed
        return x + self.local(self.local_norm(x), height, width), final
