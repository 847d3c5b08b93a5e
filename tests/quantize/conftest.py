"""What tests of whole recipes have in common."""

from __future__ import annotations

import pytest

from bokehflow.calibration.sample_making import SYNTHETIC, SampleRequest, stored_samples
from bokehflow.calibration.sample_set import SampleSet
from bokehflow.export import Artifact
from bokehflow.scan import ScanConfig
from bokehflow.specs import find_variant
from bokehflow.weights import load_network


@pytest.fixture(scope="package")
def samples(artifacts: dict[str, Artifact], tmp_path_factory: pytest.TempPathFactory) -> SampleSet:
    """Four frames of rendered scenes, of the small artifacts' size."""
    manifest = artifacts["onnx"].manifest
    request = SampleRequest(manifest.frame_size, manifest.network_size, SYNTHETIC, 4)
    network, info = load_network(find_variant("nano"), scan=ScanConfig("cpu"))
    folder = tmp_path_factory.mktemp("samples")
    return stored_samples(request, network, info.sha256, folder, lambda: None)[0]
