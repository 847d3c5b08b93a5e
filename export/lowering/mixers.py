"""The scan mixers of several streams as one: tokens reordered first, then projected and scanned.

Computes what `layers.bigdr.ScanMixer` computes, after the block's norm, for S blocks at once. In a
graph that is one set of nodes where there were S, none of which permutes axes of a wide tensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bokehflow.export.lowering import weights
from bokehflow.export.lowering.linear_attention import linear_attention
from bokehflow.export.lowering.mixer_parts import Fusion, GateReader, Linear, Projection
from bokehflow.export.lowering.orders import (
    EVERY_DIRECTION,
    ROWS_AND_COLUMNS,
    Directions,
    Reordering,
    from_orders,
    heads_from_orders,
    to_orders,
)
from bokehflow.export.lowering.segments import exchanged
from bokehflow.layers.bigdr import BiGDRBlock
from bokehflow.layers.gates import log_one_minus
from bokehflow.scan import KEY_EPSILON, InterChunk
from bokehflow.scan.chunk import chunk_folded
from bokehflow.scan.inputs import ScanInputs


@dataclass(frozen=True, slots=True)
class FusedScan:
    """LinearAttention nodes, all heads in each.

    value_multiple: a head's values are padded with zeros to a multiple of this, which changes no
    result. It pays in ONNX Runtime on processors with AVX-512 alone. groups: the directions that go
    together.
    """

    value_multiple: int = 1
    groups: tuple[Directions, ...] = ROWS_AND_COLUMNS


@dataclass(frozen=True, slots=True)
class ChunkedScan:
    """Standard operators alone: matrix products over chunks of tokens (`scan.chunk`)."""

    chunk_size: int
    inter_chunk: InterChunk


class LoweredMixer(nn.Module):
    """What the mixers have in common; how tokens are ordered and scanned is the subclasses'.

    groups: directions that go together through projection and scan, group after group. Fewer at a
    time need less memory, and more nodes. segments: n, each scan's stretches of T / n tokens, which
    are sequences of their own.
    """

    reordering: Reordering = "gather"
    groups: tuple[Directions, ...] = (EVERY_DIRECTION,)

    def __init__(
        self, blocks: Sequence[BiGDRBlock], value_size: int, by_head: bool, segments: int
    ) -> None:
        super().__init__()
        self.segments = segments
        mixers = [block.scan for block in blocks]
        self.heads, self.head_size = mixers[0].heads, mixers[0].head_size
        matrices = weights.projections(blocks, value_size)
        self.project = nn.ModuleList(
            Projection([m[:, group] for m in matrices], self.heads, by_head)
            for group in self.groups
        )
        channels, heads = self.heads * self.head_size, self.heads
        matrix, bias = weights.gate_readers(blocks)
        self.forget, self.write = (
            nn.ModuleList(
                GateReader(matrix[:, group, rows, columns], bias[:, group, :, columns])
                for group in self.groups
            )
            for rows, columns in (
                (slice(channels), slice(heads)),
                (slice(channels, None), slice(heads, None)),
            )
        )
        self.fuse = Fusion(blocks)
        self.out = Linear(
            *weights.after_norm([m.fuse.norm for m in mixers], [m.out for m in mixers])
        )

    def forward(
        self, x: Tensor, room: Tensor, starts: Sequence[Tensor], height: int, width: int
    ) -> tuple[Tensor, list[Tensor]]:
        """x: [S, T, C] in raster order, before the norm; room: [S, 1, 1, 1], 1 - alpha_min;
        starts: a state [S x D x n, H, d, d] a group. Returns [S, T, C] and the groups' final
        states."""
        tokens = F.layer_norm(x, x.shape[-1:])
        tokens = torch.cat([tokens, torch.ones(*x.shape[:2], 1)], dim=-1)
        outputs: list[Tensor] = []
        finals = []
        for group, start, project, forget, write in zip(
            self.groups, starts, self.project, self.forget, self.write, strict=True
        ):
            ordered = to_orders(tokens, height, width, self.reordering, group)
            q, k, v, forgetting, writing = project(ordered)
            log_decay = log_one_minus(room * torch.sigmoid(forget(F.silu(forgetting))))
            beta = torch.sigmoid(write(F.silu(writing)))
            o, final = self.scan(ScanInputs(q, k, v, log_decay, beta), start)
            outputs += self.in_raster_order(o, height, width, group)
            finals.append(final)
        return self.out(self.fuse(outputs)), finals

    def scan(self, inputs: ScanInputs, state: Tensor) -> tuple[Tensor, Tensor]:
        """The projections as they are, keys not normalised yet; state: [S x D x n, H, d, d].

        Returns o [S, D, T, C] and the final state.
        """
        raise NotImplementedError

    def in_raster_order(
        self, o: Tensor, height: int, width: int, group: Directions
    ) -> list[Tensor]:
        """What `scan` returned of a group's directions, as [S, T, C] for each of them."""
        return from_orders(o, height, width, self.reordering, group)


class FusedMixer(LoweredMixer):
    """Heads stay beside each other, as LinearAttention takes them."""

    def __init__(self, blocks: Sequence[BiGDRBlock], scan: FusedScan, segments: int = 1) -> None:
        self.groups = scan.groups
        head_size = blocks[0].scan.head_size
        self.value_size = -(-head_size // scan.value_multiple) * scan.value_multiple
        super().__init__(blocks, self.value_size, by_head=False, segments=segments)

    def scan(self, inputs: ScanInputs, state: Tensor) -> tuple[Tensor, Tensor]:
        """q, k: [S, D, T, C]; v: the same, or wider, as is o then; gates: [S, D, T, H]."""
        streams, directions, length, _ = inputs.q.shape
        sequences = streams * directions * self.segments
        q, k, v, log_decay, beta = (
            x.reshape(sequences, length // self.segments, x.shape[-1]) for x in inputs
        )
        k = _normalised(k.reshape(-1, self.head_size)).reshape(k.shape)
        spare = self.value_size - self.head_size
        start = F.pad(state, (0, spare)) if spare else state
        o, final = linear_attention(q, k, v, start, log_decay, beta)
        if spare:
            final = final[..., : self.head_size]
        return o.reshape(streams, directions, length, -1), final

    def in_raster_order(
        self, o: Tensor, height: int, width: int, group: Directions
    ) -> list[Tensor]:
        if self.value_size == self.head_size:
            return super().in_raster_order(o, height, width, group)
        heads = o.reshape(*o.shape[:3], self.heads, self.value_size)
        if self.value_size % self.head_size == 0:
            return heads_from_orders(heads, height, width, group, self.head_size)
        wanted = heads[..., : self.head_size].flatten(3)
        return super().in_raster_order(wanted, height, width, group)


class ChunkedMixer(LoweredMixer):
    """Every head is projected as a sequence of its own, so no axes need to change places."""

    def __init__(self, blocks: Sequence[BiGDRBlock], scan: ChunkedScan, segments: int = 1) -> None:
        super().__init__(blocks, blocks[0].scan.head_size, by_head=True, segments=segments)
        self.chunks = scan

    def scan(self, inputs: ScanInputs, state: Tensor) -> tuple[Tensor, Tensor]:
        """q, k, v: [S, D, H, T, d]; gates: [S, D, T, H]."""
        streams, directions, length = inputs.beta.shape[:3]
        stretch = length // self.segments
        q, k, v = (x.reshape(-1, stretch, x.shape[-1]) for x in inputs[:3])
        log_decay, beta = (x.transpose(2, 3).reshape(-1, stretch) for x in inputs[3:])
        o, final = chunk_folded(
            ScanInputs(q, _normalised(k), v, log_decay, beta),
            exchanged(state, self.segments, self.heads).flatten(0, 1),
            self.chunks.chunk_size,
            self.chunks.inter_chunk,
        )
        by_token = o.reshape(-1, self.heads, length, o.shape[-1]).transpose(1, 2)
        o = by_token.reshape(streams, directions, length, self.heads * self.head_size)
        by_head = final.reshape(-1, self.segments, *final.shape[1:])
        return o, exchanged(by_head, self.heads, self.segments)


def _normalised(k: Tensor) -> Tensor:
    # A last axis of length 1 makes ONNX Runtime add number by number.
    squares = (k * k).sum(-1) + KEY_EPSILON
    return k * torch.rsqrt(squares)[..., None]
