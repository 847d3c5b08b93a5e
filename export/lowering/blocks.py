"""The blocks of several streams as one: the same operations on tokens [S, T, C]."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bokehflow.export.lowering.mixers import LoweredMixer
from bokehflow.layers.bigdr import BiGDRBlock


class LoweredBlock(nn.Module):
    """x + scan(norm(x)), then x + local(norm(x)), for S `BiGDRBlock`s at once."""

    def __init__(self, blocks: Sequence[BiGDRBlock], scan: LoweredMixer) -> None:
        super().__init__()
        self.scan = scan
        self.local = _LocalMixer(blocks)

    def forward(
        self, x: Tensor, room: Tensor, starts: Sequence[Tensor], height: int, width: int
    ) -> tuple[Tensor, list[Tensor]]:
        """x: [S, T, C]; room: [S, 1, 1, 1], 1 - alpha_min; starts: as the mixer's. Returns x and
        the final states."""
        mixed, finals = self.scan(x, room, starts, height, width)
        x = x + mixed
        return x + self.local(x, height, width), finals


class _LocalMixer(nn.Module):
    """`layers.bigdr.LocalMixer` behind its norm; the streams are groups of one convolution."""

    def __init__(self, blocks: Sequence[BiGDRBlock]) -> None:
        super().__init__()
        mixers = [block.local for block in blocks]
        norms = [block.local_norm for block in blocks]
        channels = norms[0].normalized_shape[0]
        self.scale = _constant(torch.stack([norm.weight for norm in norms])[:, None])
        self.shift = _constant(torch.stack([norm.bias for norm in norms])[:, None])
        self.depthwise = nn.Conv2d(
            len(blocks) * channels, len(blocks) * channels, 3, padding=1,
            groups=len(blocks) * channels,
        )  # fmt: skip
        self.depthwise.weight = _constant(torch.cat([m.depthwise.weight for m in mixers]))
        self.depthwise.bias = _constant(_stacked_bias([m.depthwise for m in mixers]).flatten())
        self.pointwise = _constant(torch.stack([m.pointwise.weight.T for m in mixers]))
        self.pointwise_bias = _constant(_stacked_bias([m.pointwise for m in mixers])[:, None])

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        """x: [S, T, C] in raster order. Same shape back."""
        streams, length, channels = x.shape
        normed = F.layer_norm(x, (channels,)) * self.scale + self.shift
        grid = normed.transpose(1, 2).reshape(1, streams * channels, height, width)
        mixed = F.gelu(self.depthwise(grid)).reshape(streams, channels, length).transpose(1, 2)
        return mixed @ self.pointwise + self.pointwise_bias


def _stacked_bias(layers: Sequence[nn.Linear | nn.Conv2d]) -> Tensor:
    """[S, out]."""
    biases = [layer.bias for layer in layers if layer.bias is not None]
    return torch.stack(biases)


def _constant(x: Tensor) -> nn.Parameter:
    return nn.Parameter(x.detach().contiguous(), requires_grad=False)
