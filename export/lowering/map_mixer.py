"""The scan mixers of several streams on maps: channels first, tokens in rows of one chunk.

Computes what `mixers.LoweredMixer` computes. No tensor has an axis of all tokens, which may be more
than an accelerator allows, unless their number is no multiple of a chunk's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bokehflow.export.lowering import weights
from bokehflow.export.lowering.maps import PointwiseConv, channel_norm
from bokehflow.export.lowering.segments import exchanged
from bokehflow.layers.bigdr import BiGDRBlock
from bokehflow.layers.gates import log_one_minus
from bokehflow.scan import DIRECTIONS, KEY_EPSILON, InterChunk
from bokehflow.scan.chunk_columns import chunk_columns
from bokehflow.scan.inputs import ScanInputs
from bokehflow.scan.transitions import plan_groups


@dataclass(frozen=True, slots=True)
class MapScan:
    """Standard operators on maps: 1x1 convolutions, and products of chunks (`chunk_columns`)."""

    chunk_size: int
    inter_chunk: InterChunk


class MapMixer(nn.Module):
    """Norm, projection, scan and fusion of S blocks' directions, on maps [S, C, H, W]."""

    def __init__(self, blocks: Sequence[BiGDRBlock], scan: MapScan, segments: int = 1) -> None:
        super().__init__()
        self.segments = segments
        mixers = [block.scan for block in blocks]
        self.heads, self.head_size = mixers[0].heads, mixers[0].head_size
        self.chunks = scan
        self.project = _Projection(weights.projections(blocks, self.head_size))
        self.gates = PointwiseConv(*weights.gate_readers(blocks))
        self.fuse = _Fusion(blocks)
        self.out = PointwiseConv(
            *weights.after_norm([m.fuse.norm for m in mixers], [m.out for m in mixers])
        )

    def forward(self, x: Tensor, room: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
        """x: [S, C, H, W], before the norm; room: [S, 1, 1, 1], 1 - alpha_min; start: [S x 4 x n,
        H, d, d] for n segments. Returns [S, C, H, W] and the final state, as start is."""
        streams, _, height, width = x.shape
        layout = _Layout(height, width, self.chunks, self.segments)
        inputs = self._inputs(layout.to_rows(channel_norm(x)), room, layout)
        # Every segment is a sequence of its own.
        cut = ScanInputs(*(each.reshape(-1, layout.count, *each.shape[2:]) for each in inputs))
        first = exchanged(start, self.segments, self.heads).flatten(0, 1)
        o, final = chunk_columns(cut, first, layout.groups, self.chunks.inter_chunk)
        whole = o.reshape(-1, layout.rows, *o.shape[2:])
        rows = whole.transpose(1, 2).reshape(streams, -1, layout.rows, layout.size)
        fused = self.fuse(layout.from_rows(rows))
        by_head = final.reshape(-1, self.segments, *final.shape[1:])
        return self.out(fused).reshape(x.shape), exchanged(by_head, self.heads, self.segments)

    def _inputs(self, rows: Tensor, room: Tensor, layout: _Layout) -> ScanInputs:
        """What the scan reads; rows: [S, 4C, n, c]. Its N is stream, direction and head."""
        count, size = layout.rows, layout.size
        *projected, read = self.project(rows)
        q, k, v = (
            each.reshape(-1, self.head_size, count, size).transpose(1, 2) for each in projected
        )
        logits = self.gates(F.silu(read)).reshape(-1, 2 * self.heads, count, size)
        lost, beta = torch.split(torch.sigmoid(logits), self.heads, dim=1)
        log_decay = log_one_minus(lost.reshape(len(room), -1, count, size) * room)
        log_decay, beta = (
            layout.masked(each.reshape(-1, count, 1, size)) for each in (log_decay, beta)
        )
        k = k * torch.rsqrt((k * k).sum(2, keepdim=True) + KEY_EPSILON)
        return ScanInputs(q, k, v, log_decay, beta)


class _Layout:
    """A map's tokens in the order of every direction, in rows of one chunk, `count` a segment."""

    def __init__(self, height: int, width: int, scan: MapScan, segments: int) -> None:
        self.height, self.width, self.size = height, width, scan.chunk_size
        self.segments, self.stretch = segments, height * width // segments
        self.groups = plan_groups(-(-self.stretch // self.size), scan.inter_chunk)
        self.count = math.prod(self.groups)
        self.rows = segments * self.count
        self.spare = self.count * self.size - self.stretch

    def to_rows(self, x: Tensor) -> Tensor:
        """[S, C, H, W] to [S, 4C, rows, c], direction by direction."""
        columns = x.transpose(2, 3)
        ways = (x, x.flip(2, 3), columns, columns.flip(2, 3))
        return torch.cat([self._in_rows(way) for way in ways], dim=1)

    def from_rows(self, rows: Tensor) -> Tensor:
        """The way back: [S, 4C, rows, c] to [S, 4C, H, W], all directions in raster order."""
        if self.spare:
            rows = rows.reshape(*rows.shape[:2], self.segments, -1)[..., : self.stretch]
        by_row, by_column = torch.chunk(rows, 2, dim=1)
        raster, back = torch.chunk(by_row.reshape(len(rows), -1, self.height, self.width), 2, dim=1)
        column, back_column = torch.chunk(
            by_column.reshape(len(rows), -1, self.width, self.height), 2, dim=1
        )
        columns = torch.cat([column, back_column.flip(2, 3)], dim=1).transpose(2, 3)
        return torch.cat([raster, back.flip(2, 3), columns], dim=1)

    def masked(self, gate: Tensor) -> Tensor:
        """A gate [N, rows, 1, c] that is 0 at tokens that are none."""
        if not self.spare:
            return gate
        inside = (torch.arange(self.count * self.size) < self.stretch).repeat(self.segments)
        return gate * inside.reshape(1, self.rows, 1, self.size).to(gate.dtype)

    def _in_rows(self, x: Tensor) -> Tensor:
        if self.spare:
            x = F.pad(x.reshape(*x.shape[:2], self.segments, self.stretch), (0, self.spare))
        return x.reshape(*x.shape[:2], self.rows, self.size)


class _Projection(nn.Module):
    """From normalised rows [S, 4C, n, c] to q, k, v and the gates' input."""

    def __init__(self, matrices: Sequence[Tensor]) -> None:
        """matrices: as `weights.projections` has them, biases in their last rows."""
        super().__init__()
        self.query, self.key, self.value, self.read = (
            PointwiseConv(matrix[..., :-1, :], matrix[..., -1, :]) for matrix in matrices
        )

    def forward(self, rows: Tensor) -> tuple[Tensor, ...]:
        """[1, S x 4C, n, c] three times, and [1, S x 8C, n, c]."""
        return tuple(layer(rows) for layer in (self.query, self.key, self.value, self.read))


class _Fusion(nn.Module):
    """`layers.bigdr.DirectionFusion`, less its norm's scale and shift (`out` has them)."""

    def __init__(self, blocks: Sequence[BiGDRBlock]) -> None:
        super().__init__()
        self.weigh = PointwiseConv(*weights.fusion_weights(blocks))

    def forward(self, outputs: Tensor) -> Tensor:
        """outputs: [S, 4C, H, W], the four scans at every token. Returns [S, C, H, W]."""
        streams, _, height, width = outputs.shape
        by_direction = (streams, len(DIRECTIONS), -1, height, width)
        shares = torch.softmax(self.weigh(outputs).reshape(by_direction), dim=1)
        return channel_norm((shares * outputs.reshape(by_direction)).sum(1))
