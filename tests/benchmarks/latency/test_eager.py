"""The model that a benchmark of eager PyTorch runs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from bokehflow.benchmarks.latency.eager import eager_pipeline
from bokehflow.errors import ArtifactError
from bokehflow.export import Artifact


def test_who_cannot_name_other_weights_is_not_told_to(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    stranger = dataclasses.replace(artifacts["onnx"].manifest, weights_sha256="0" * 64)
    path = tmp_path / "a.onnx.json"
    path.write_text(stranger.to_json())
    with pytest.raises(ArtifactError, match="with the weights that ship") as refused:
        eager_pipeline(path, "chunked")
    assert "--weights" not in str(refused.value)
