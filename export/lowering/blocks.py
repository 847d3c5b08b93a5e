"""The blocks of several streams as one: the same operations on tokens [S, T, C]."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bokehflow.export.lowering.maps import constant, depthwise
from bokehflow.export.lowering.mixers import LoweredMixer
from bokehflow.layers.bigdr import BiGDRBlock


class LoweredBlock(nn.Module):
    """x + scan(norm(x)), then x + local(norm(x)), for S `BiGDRBlock`s at once."""

    def __init__(self, blocks: Sequence[BiGDRBlock], scan: LoweredMixer) -> None:
        super().__init__()
        self.scan = scan
        self.groups = len(scan.groups)
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
        self.scale = constant(torch.stack([norm.weight for norm in norms])[:, None])
        self.shift = constant(torch.stack([norm.bias for norm in norms])[:, None])
        self.depthwise = depthwise([mixer.depthwise for mixer in mixers])
        self.pointwise = constant(torch.stack([m.pointwise.weight.T for m in mixers]))
        self.pointwise_bias = constant(torch.stack([m.pointwise.bias for m in mixers])[:, None])

    def forward(self, x: Tensor, height: int, width: int) -> Tensor:
        """x: [S, T, C] in raster order. Same shape back."""
        streams, length, channels = x.shape
        normed = F.layer_norm(x, (channels,)) * self.scale + self.shift
        grid = normed.transpose(1, 2).reshape(1, streams * channels, height, width)
        mixed = F.gelu(self.depthwise(grid)).reshape(streams, channels, length).transpose(1, 2)
        return mixed @ self.pointwise + self.pointwise_bias
