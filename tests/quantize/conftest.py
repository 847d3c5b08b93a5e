"""What tests of whole recipes have in common."""

from __future__ import annotations

from pathlib import Path

import pytest

from bokehflow.calibration.sample_making import SYNTHETIC, SampleRequest, stored_samples
from bokehflow.calibration.sample_set import SampleSet
from bokehflow.export import TARGETS, Artifact, ExportConfig, as_target, export_each
from bokehflow.model import BokehFlow, ModelConfig
from bokehflow.network import Network
from bokehflow.rendering import RenderConfig
from bokehflow.scan import ScanConfig
from bokehflow.specs import Size, find_variant
from bokehflow.weights import WeightsInfo, load_network
from bokehflow.weights.initial import initial_network
from tests.training.samples import TINY, use_tiny_variant

TINY_SIZE = Size(64, 96)
TINY_RENDERER = RenderConfig(max_radius_px=2.0)
UNTRAINED = WeightsInfo("nano", False, "0" * 64)


@pytest.fixture(scope="package")
def samples(artifacts: dict[str, Artifact], tmp_path_factory: pytest.TempPathFactory) -> SampleSet:
    """Four frames of rendered scenes, of the small artifacts' size."""
    manifest = artifacts["onnx"].manifest
    network, info = load_network(find_variant("nano"), scan=ScanConfig("cpu"))
    folder = tmp_path_factory.mktemp("samples")
    return _samples(manifest.frame_size, network, info.sha256, folder)


@pytest.fixture
def tiny_variant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny artifacts are of a variant that commands know."""
    use_tiny_variant(monkeypatch)


@pytest.fixture(scope="package")
def tiny_artifacts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Artifact]:
    """A network of two tiny blocks for every target, where a search is tested and not its result.

    To be read, never written.
    """
    model = BokehFlow(initial_network(TINY).eval(), UNTRAINED, ModelConfig(render=TINY_RENDERER))
    configs = [
        ExportConfig(as_target(target), TINY_SIZE, TINY_SIZE, render=TINY_RENDERER)
        for target in TARGETS
    ]
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_variant(patch)
        folder = tmp_path_factory.mktemp("tiny")
        return dict(zip(TARGETS, export_each(model, configs, folder), strict=True))


@pytest.fixture(scope="package")
def tiny_samples(tmp_path_factory: pytest.TempPathFactory) -> SampleSet:
    """Four frames of rendered scenes for the tiny artifacts."""
    network = initial_network(TINY, ScanConfig("cpu")).eval()
    folder = tmp_path_factory.mktemp("tiny-samples")
    return _samples(TINY_SIZE, network, UNTRAINED.sha256, folder)


def _samples(size: Size, network: Network, sha256: str, folder: Path) -> SampleSet:
    request = SampleRequest(size, size, SYNTHETIC, 4)
    return stored_samples(request, network, sha256, folder, lambda: None)[0]
