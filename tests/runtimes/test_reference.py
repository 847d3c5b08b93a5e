"""The model beside which an artifact is judged is the one that it was exported from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from bokehflow.errors import ArtifactError
from bokehflow.export import Artifact
from bokehflow.runtimes.reference import reference_session
from bokehflow.specs import VARIANTS
from bokehflow.weights import save_weights
from bokehflow.weights.initial import initial_network


def test_other_weights_are_refused(artifacts: dict[str, Artifact], tmp_path: Path) -> None:
    manifest = artifacts["onnx"].manifest
    path = tmp_path / "other.safetensors"
    tensors = {n: t + 0.01 for n, t in initial_network(VARIANTS["nano"]).state_dict().items()}
    save_weights(path, tensors, "nano", trained=True, fov_deg=60.0)
    with pytest.raises(ArtifactError, match="--weights"):
        reference_session(manifest, path)
    stranger = dataclasses.replace(manifest, weights_sha256="0" * 64)
    with pytest.raises(ArtifactError, match="exported from weights"):
        reference_session(stranger)
