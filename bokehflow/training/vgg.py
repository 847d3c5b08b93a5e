"""VGG-19 features for the perceptual loss, from a weights file in torchvision's names.

Source: Simonyan and Zisserman (arXiv 1409.1556); the last ReLU before each of the first four
poolings, as in Johnson et al. (arXiv 1603.08155).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bokehflow.damage import ARCHIVE_DAMAGE
from bokehflow.errors import WeightsError

LEVELS = ((0, 2), (5, 7), (10, 12, 14, 16), (19, 21, 23, 25))
"""Numbers of the convolutions in torchvision's `features`, by resolution."""
CHANNELS = (64, 128, 256, 512)
IMAGENET_MEAN, IMAGENET_SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class VggFeatures(nn.Module):
    """Feature maps at strides 1, 2, 4 and 8 of a picture."""

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            nn.ModuleList(_convolution(weights, number) for number in level) for level in LEVELS
        )
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer(
            "spread", torch.tensor(IMAGENET_SPREAD).view(3, 1, 1), persistent=False
        )
        self.mean: Tensor
        self.spread: Tensor

    def forward(self, image: Tensor) -> list[Tensor]:
        """image: [B, 3, H, W], sRGB 0..1. Returns maps [B, C, H/s, W/s], s = 1, 2, 4, 8."""
        x = (image - self.mean) / self.spread
        found: list[Tensor] = []
        for convolutions in self.levels:
            if found:
                x = F.max_pool2d(x, 2)
            for convolution in convolutions:  # type: ignore[attr-defined]
                x = F.relu(convolution(x))
            found.append(x)
        return found


def read_vgg_weights(path: Path) -> dict[str, Tensor]:
    """The convolutions of a VGG-19 state dict. Raises WeightsError for anything else."""
    expected = "a state dict of torchvision's vgg19, saved with torch.save"
    if not path.is_file():
        raise WeightsError(f"no VGG-19 weights at {path}", expected, "check perceptual_file")
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except ARCHIVE_DAMAGE as error:
        raise WeightsError(f"{path} cannot be read as weights", expected) from error
    into = 3
    for level, channels in zip(LEVELS, CHANNELS, strict=True):
        for number in level:
            shapes = {"weight": (channels, into, 3, 3), "bias": (channels,)}
            for kind, shape in shapes.items():
                name = f"features.{number}.{kind}"
                tensor = weights.get(name) if isinstance(weights, dict) else None
                if not isinstance(tensor, Tensor) or tensor.shape != shape:
                    raise WeightsError(f"{path} holds no fitting {name}", expected)
            into = channels
    return dict(weights)


def _convolution(weights: Mapping[str, Tensor], number: int) -> nn.Conv2d:
    weight = weights[f"features.{number}.weight"]
    convolution = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
    convolution.load_state_dict({"weight": weight, "bias": weights[f"features.{number}.bias"]})
    return convolution
