"""The layers of the scan mixers, for S streams at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bokehflow.export.lowering import weights
from bokehflow.export.lowering.maps import constant
from bokehflow.layers.bigdr import BiGDRBlock
from bokehflow.rendering.windows import added

_TOKENS_A_ROW = 64
"""At most, of those whose gates' biases are added as one row."""


class Projection(nn.Module):
    """From ordered tokens with a 1 appended, [S, D, T, C + 1], to q, k, v and the gates' input."""

    def __init__(self, matrices: Sequence[Tensor], heads: int, by_head: bool) -> None:
        """matrices: as `weights.projections` has them, of the directions that are projected."""
        super().__init__()
        self.by_head = by_head
        *sequences, gates = (matrix.detach() for matrix in matrices)
        if by_head:
            sequences = [m.reshape(*m.shape[:3], heads, -1).transpose(2, 3) for m in sequences]
        # A gate at a time: the widest maps of the network would be those that both read.
        forget, write = torch.chunk(gates, 2, dim=-1)
        self.query, self.key, self.value, self.forget, self.write = (
            constant(m) for m in (*sequences, forget, write)
        )

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """[S, D, T, H x d], or [S, D, H, T, d] by head, three times; then [S, D, T, C] twice, what
        the gates alpha and beta read."""
        each = tokens[:, :, None] if self.by_head else tokens
        sequences = each @ self.query, each @ self.key, each @ self.value
        return *sequences, tokens @ self.forget, tokens @ self.write


class Linear(nn.Module):
    """A matrix and a bias a stream (and direction), on [S, ..., in]."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight = constant(weight)
        self.bias = constant(bias)

    def forward(self, x: Tensor) -> Tensor:
        """[S, ..., out]."""
        return x @ self.weight + self.bias


class GateReader(Linear):
    """The same for results of a few numbers a token, on [S, D, T, in]."""

    def forward(self, x: Tensor) -> Tensor:
        """[S, D, T, out]."""
        read = x @ self.weight
        # ONNX Runtime adds row by row: the bias of many tokens is one row.
        streams, directions, length, outputs = read.shape
        tokens = next(count for count in range(_TOKENS_A_ROW, 0, -1) if length % count == 0)
        rows = read.reshape(streams, directions, -1, tokens * outputs)
        return (rows + self.bias.repeat(1, 1, 1, tokens)).reshape(read.shape)


class Fusion(nn.Module):
    """`layers.bigdr.DirectionFusion`, less its norm's scale and shift (`out` has them)."""

    def __init__(self, blocks: Sequence[BiGDRBlock]) -> None:
        super().__init__()
        self.weigh = _Weighing(blocks)

    def forward(self, outputs: Sequence[Tensor]) -> Tensor:
        """outputs: [S, T, C] of every direction's scan. Returns [S, T, C]."""
        streams, length, channels = outputs[0].shape
        above = self.weigh(torch.cat([*outputs, torch.ones(streams, length, 1)], dim=-1))
        # A softmax over an axis that is not the last copies all of it twice in ONNX Runtime, which
        # at 1080p is more memory than anything else needs; part by part takes no longer.
        largest = F.relu(torch.maximum(torch.maximum(above[0], above[1]), above[2]))
        shares = [(-largest).exp(), *((x - largest).exp() for x in above)]
        weighed = [share * part for share, part in zip(shares, outputs, strict=True)]
        return F.layer_norm(added(weighed) / added(shares), (channels,))


class _Weighing(nn.Module):
    """Three products, as taking one result apart would copy it."""

    def __init__(self, blocks: Sequence[BiGDRBlock]) -> None:
        super().__init__()
        second, third, fourth = (constant(m) for m in weights.relative_fusion_weights(blocks))
        self.second, self.third, self.fourth = second, third, fourth

    def forward(self, outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """outputs: [S, T, 4C + 1], all directions' and a 1. Returns how far the logits of the
        others' shares lie above those of the first, [S, T, C] for each."""
        return outputs @ self.second, outputs @ self.third, outputs @ self.fourth
