"""Layers of several streams on maps [S, C, H, W]: channels first, linear layers as convolutions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bokehflow.layers.bigdr import BiGDRBlock

NORM_EPSILON = 1e-5
"""torch's, which the weights were trained with."""


class PointwiseConv(nn.Module):
    """A matrix and a bias for every group of channels, as one 1x1 convolution."""

    def __init__(self, matrices: Tensor, biases: Tensor) -> None:
        """matrices: [groups..., in, out]; biases: [groups..., out], which may have axes of 1."""
        super().__init__()
        *groups, channels, outputs = matrices.shape
        self.groups = torch.Size(groups).numel()
        weight = matrices.transpose(-1, -2).reshape(self.groups * outputs, channels, 1, 1)
        self.weight = constant(weight)
        self.bias = constant(biases.reshape(-1))

    def forward(self, x: Tensor) -> Tensor:
        """x: [..., C, h, w], groups x in channels in all. Returns [1, groups x out, h, w]."""
        together = x.reshape(1, -1, *x.shape[-2:])
        return F.conv2d(together, self.weight, self.bias, groups=self.groups)


class LocalMaps(nn.Module):
    """`layers.bigdr.LocalMixer` behind its norm; the streams are groups of its convolutions."""

    def __init__(self, blocks: Sequence[BiGDRBlock]) -> None:
        super().__init__()
        mixers = [block.local for block in blocks]
        norms = [block.local_norm for block in blocks]
        # Borders are padded with zeros behind the norm, so its shift cannot go into the weights.
        self.scale = constant(torch.stack([norm.weight for norm in norms])[:, :, None, None])
        self.shift = constant(torch.stack([norm.bias for norm in norms])[:, :, None, None])
        self.depthwise = depthwise([mixer.depthwise for mixer in mixers])
        self.pointwise = PointwiseConv(
            torch.stack([mixer.pointwise.weight.T for mixer in mixers]),
            torch.stack([mixer.pointwise.bias for mixer in mixers]),
        )

    def forward(self, x: Tensor) -> Tensor:
        """x: [S, C, H, W]. Same shape back."""
        normed = channel_norm(x) * self.scale + self.shift
        mixed = F.gelu(self.depthwise(normed.reshape(1, -1, *x.shape[2:])))
        out: Tensor = self.pointwise(mixed)
        return out.reshape(x.shape)


def channel_norm(x: Tensor) -> Tensor:
    """A layer norm over the channels of [S, C, H, W], without scale and shift."""
    centred = x - x.mean(dim=1, keepdim=True)
    variance = (centred * centred).mean(dim=1, keepdim=True)
    return centred * torch.rsqrt(variance + NORM_EPSILON)


def depthwise(layers: Sequence[nn.Conv2d]) -> nn.Conv2d:
    """Depthwise 3x3 convolutions of several streams as one, on [1, S x C, H, W]."""
    channels = len(layers) * layers[0].in_channels
    together = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
    together.weight = constant(torch.cat([layer.weight for layer in layers]))
    biases = [layer.bias for layer in layers if layer.bias is not None]
    together.bias = constant(torch.cat(biases))
    return together


def constant(x: Tensor) -> nn.Parameter:
    """A weight that is not trained any more."""
    return nn.Parameter(x.detach().contiguous(), requires_grad=False)
