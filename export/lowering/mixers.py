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
from bokehflow.export.lowering.orders import Reordering, from_orders, to_orders
from bokehflow.layers.bigdr import BiGDRBlock
from bokehflow.layers.gates import log_decay_above
from bokehflow.scan import KEY_EPSILON, InterChunk
from bokehflow.scan.chunk import chunk_folded
from bokehflow.scan.inputs import ScanInputs


@dataclass(frozen=True, slots=True)
class FusedScan:
    """One LinearAttention node a layer, all heads and directions in it.

    value_multiple: a head's values are padded with zeros to a multiple of this, which changes no
    result. It pays in ONNX Runtime on processors with AVX-512 alone.
    """

    value_multiple: int = 1


@dataclass(frozen=True, slots=True)
class ChunkedScan:
    """Standard operators alone: matrix products over chunks of tokens (`scan.chunk`)."""

    chunk_size: int
    inter_chunk: InterChunk
    reordering: Reordering


SequenceScan = FusedScan | ChunkedScan


class LoweredMixer(nn.Module):
    """What the mixers have in common; how tokens are ordered and scanned is the subclasses'."""

    reordering: Reordering

    def __init__(self, blocks: Sequence[BiGDRBlock], value_size: int, by_head: bool) -> None:
        super().__init__()
        mixers = [block.scan for block in blocks]
        self.heads, self.head_size = mixers[0].heads, mixers[0].head_size
        self.project = _Projection(blocks, value_size, by_head)
        self.gates = _Linear(*weights.gate_readers(blocks))
        self.fuse = _Fusion(blocks)
        self.out = _Linear(
            *weights.after_norm([m.fuse.norm for m in mixers], [m.out for m in mixers])
        )

    def forward(
        self, x: Tensor, room: Tensor, state: Tensor, height: int, width: int
    ) -> tuple[Tensor, Tensor]:
        """x: [S, T, C] in raster order, before the norm; room: [S, 1, 1, 1], 1 - alpha_min;
        state: [S, 4, H, d, d]. Returns [S, T, C] and the final state."""
        tokens = F.layer_norm(x, x.shape[-1:])
        tokens = torch.cat([tokens, torch.ones(*x.shape[:2], 1)], dim=-1)
        q, k, v, read = self.project(to_orders(tokens, height, width, self.reordering))
        alpha, beta = self.gates(F.silu(read)).split(self.heads, dim=-1)
        gates = log_decay_above(room, alpha), torch.sigmoid(beta)
        o, final = self.scan(ScanInputs(q, k, v, *gates), state)
        fused = self.fuse(from_orders(o, height, width, self.reordering))
        return self.out(fused), final

    def scan(self, inputs: ScanInputs, state: Tensor) -> tuple[Tensor, Tensor]:
        """The projections as they are, keys not normalised yet. Returns o [S, 4, T, C]."""
        raise NotImplementedError


class FusedMixer(LoweredMixer):
    """Heads stay beside each other, as LinearAttention takes them."""

    reordering: Reordering = "gather"

    def __init__(self, blocks: Sequence[BiGDRBlock], scan: FusedScan) -> None:
        head_size = blocks[0].scan.head_size
        self.value_size = -(-head_size // scan.value_multiple) * scan.value_multiple
        super().__init__(blocks, self.value_size, by_head=False)

    def scan(self, inputs: ScanInputs, state: Tensor) -> tuple[Tensor, Tensor]:
        """q, k: [S, 4, T, C]; v: the same, or wider; gates: [S, 4, T, H]."""
        streams, directions, length, channels = inputs.q.shape
        q, k, v, log_decay, beta = (x.flatten(0, 1) for x in inputs)
        k = _normalised(k.reshape(-1, self.head_size)).reshape(k.shape)
        spare = self.value_size - self.head_size
        start = F.pad(state.flatten(0, 1), (0, spare)) if spare else state.flatten(0, 1)
        o, final = linear_attention(q, k, v, start, log_decay, beta)
        if spare:
            o = o.reshape(*o.shape[:2], self.heads, self.value_size)[..., : self.head_size]
            final = final[..., : self.head_size]
        return o.reshape(streams, directions, length, channels), final.reshape(state.shape)


class ChunkedMixer(LoweredMixer):
    """Every head is projected as a sequence of its own, so no axes need to change places."""

    def __init__(self, blocks: Sequence[BiGDRBlock], scan: ChunkedScan) -> None:
        super().__init__(blocks, blocks[0].scan.head_size, by_head=True)
        self.chunks, self.reordering = scan, scan.reordering

    def scan(self, inputs: ScanInputs, state: Tensor) -> tuple[Tensor, Tensor]:
        """q, k, v: [S, 4, H, T, d]; gates: [S, 4, T, H]."""
        q, k, v = (x.flatten(0, 2) for x in inputs[:3])
        log_decay, beta = (x.transpose(2, 3).flatten(0, 2) for x in inputs[3:])
        o, final = chunk_folded(
            ScanInputs(q, _normalised(k), v, log_decay, beta),
            state.flatten(0, 2),
            self.chunks.chunk_size,
            self.chunks.inter_chunk,
        )
        by_head = o.reshape(-1, self.heads, *o.shape[1:]).unbind(1)
        o = torch.cat(by_head, dim=-1)
        return o.reshape(*state.shape[:2], *o.shape[1:]), final.reshape(state.shape)


class _Projection(nn.Module):
    """From ordered tokens with a 1 appended, [S, 4, T, C + 1], to q, k, v and the gates' input."""

    def __init__(self, blocks: Sequence[BiGDRBlock], value_size: int, by_head: bool) -> None:
        super().__init__()
        self.by_head = by_head
        heads = blocks[0].scan.heads
        *sequences, self.read = (
            nn.Parameter(matrix.detach(), requires_grad=False)
            for matrix in weights.projections(blocks, value_size)
        )
        if by_head:
            sequences = [
                nn.Parameter(
                    m.reshape(*m.shape[:3], heads, -1).transpose(2, 3), requires_grad=False
                )
                for m in sequences
            ]
        self.query, self.key, self.value = sequences

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """[S, 4, T, H x d], or [S, 4, H, T, d] by head, three times; then [S, 4, T, 2C]."""
        each = tokens[:, :, None] if self.by_head else tokens
        return each @ self.query, each @ self.key, each @ self.value, tokens @ self.read


class _Linear(nn.Module):
    """A matrix and a bias a stream (and direction), on [S, ..., in]."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.detach().contiguous(), requires_grad=False)
        self.bias = nn.Parameter(bias.detach().contiguous(), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """[S, ..., out]."""
        return x @ self.weight + self.bias


class _Fusion(nn.Module):
    """`layers.bigdr.DirectionFusion` with directions before tokens, less its norm's scale and
    shift (`out` has them)."""

    def __init__(self, blocks: Sequence[BiGDRBlock]) -> None:
        super().__init__()
        self.weigh = _Linear(*weights.fusion_weights(blocks))

    def forward(self, outputs: Tensor) -> Tensor:
        """outputs: [S, 4, T, C]. Returns [S, T, C]."""
        streams, directions, length, channels = outputs.shape
        every = outputs.transpose(1, 2).reshape(streams, 1, length, directions * channels)
        logits = self.weigh(every)
        # A maximum over an outer axis is slow in ONNX Runtime; of four tensors it is not.
        a, b, c, d = torch.split(logits, 1, dim=1)
        largest = torch.maximum(torch.maximum(a, b), torch.maximum(c, d))
        shares = (logits - largest).exp()
        fused = (shares * outputs).sum(1) / shares.sum(1)
        return F.layer_norm(fused, (channels,))


def _normalised(k: Tensor) -> Tensor:
    return k * torch.rsqrt((k * k).sum(-1, keepdim=True) + KEY_EPSILON)
