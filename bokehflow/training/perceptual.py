"""Perceptual distance: how far apart two pictures are in the features of an ImageNet network.

Document, section 5.2: VGG-19 feature matching. No package carries VGG, so EfficientNet-Lite0 is
the default, and VGG-19 where a weights file is given.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from bokehflow.training.config import TrainConfig
from bokehflow.training.efficientnet import EfficientNetFeatures, packaged_weights
from bokehflow.training.losses import per_sample_mean
from bokehflow.training.vgg import VggFeatures, read_vgg_weights

SMALLEST_FEATURE = 1e-3


class PerceptualDistance(nn.Module):
    """Mean relative difference of the features, a value a sample; frozen."""

    def __init__(self, features: Callable[[Tensor], list[Tensor]]) -> None:
        super().__init__()
        self.features = features

    def forward(self, reference: Tensor, test: Tensor) -> Tensor:
        """reference, test: [B, 3, H, W], sRGB 0..1. Returns [B]; gradients reach `test` alone."""
        with torch.no_grad():
            targets = self.features(reference)
        total = test.new_zeros(test.shape[0])
        for found, target in zip(self.features(test), targets, strict=True):
            size = per_sample_mean(target.abs()) + SMALLEST_FEATURE
            total = total + per_sample_mean((found - target).abs()) / size
        return total / len(targets)


def packaged_perceptual() -> PerceptualDistance:
    """The distance that needs no file: of EfficientNet-Lite0, whose weights a package carries.

    Raises MissingDependencyError where that package is not installed.
    """
    return _frozen(EfficientNetFeatures(packaged_weights()))


def build_perceptual(config: TrainConfig) -> PerceptualDistance:
    """The distance that a run's config names.

    Raises MissingDependencyError where the weights' package is not installed, WeightsError for a
    VGG file that is none.
    """
    if config.perceptual_network == "vgg19":
        return _frozen(VggFeatures(read_vgg_weights(Path(config.perceptual_file))))
    return packaged_perceptual()


def _frozen(features: nn.Module) -> PerceptualDistance:
    return PerceptualDistance(features.requires_grad_(False).eval())
