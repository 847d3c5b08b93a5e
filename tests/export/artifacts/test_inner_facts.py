"""A manifest beside an artifact that says of itself that it is something else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
import pytest

from bokehflow.errors import ArtifactError
from bokehflow.export import Artifact, load_artifact
from bokehflow.export.artifacts.artifact import seal
from bokehflow.export.artifacts.naming import manifest_path
from tests.export.copies import copied

CHANGES: dict[str, Any] = {
    "canonical_fov_deg": 90.0,
    "network_size": [48, 80],
    "trained": False,
    "budget": {"parity_db": 1e-9, "fps_720p": 45.0, "memory_gb_1080p": 0.8},
    "tools": {},
}


@pytest.mark.parametrize("target", ["onnx", "openvino"])
@pytest.mark.parametrize("name", CHANGES)
def test_a_manifest_that_was_edited_is_refused(
    artifacts: dict[str, Artifact], tmp_path: Path, target: str, name: str
) -> None:
    path = copied(artifacts[target], tmp_path)
    facts = json.loads(manifest_path(path).read_text())
    manifest_path(path).write_text(json.dumps(facts | {name: CHANGES[name]}))
    with pytest.raises(ArtifactError, match=f"says that {name} is .* as the artifact itself says"):
        load_artifact(path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("frames", 0, "parity: frames is 0; expected at least one"),
        ("mode", "guessed", "parity.mode is 'guessed'; expected one of executed, evaluated"),
    ],
    ids=["no frame", "unknown mode"],
)
def test_a_parity_that_nobody_measured_is_refused(
    artifacts: dict[str, Artifact], tmp_path: Path, name: str, value: object, message: str
) -> None:
    path = copied(artifacts["onnx"], tmp_path)
    facts = json.loads(manifest_path(path).read_text())
    parity = {"frames": 30, "bokeh_psnr_db": 90.0, "depth_sqnr_db": 90.0}
    parity |= {"runtime": "onnxruntime", "mode": "executed", name: value}
    manifest_path(path).write_text(json.dumps(facts | {"parity": parity}))
    with pytest.raises(ArtifactError, match=message):
        load_artifact(path)


def test_weights_in_another_file_are_refused(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    model = onnx.load(artifacts["onnx"].path)
    path = tmp_path / "a.onnx"

    def write(target: Path) -> None:
        onnx.save(model, target, save_as_external_data=True, location="weights.bin")

    seal(path, artifacts["onnx"].manifest, write)
    with pytest.raises(ArtifactError, match="keeps weights in another file"):
        load_artifact(path)


def test_weights_of_a_node_that_lie_in_another_file_are_refused(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    model = onnx.load(artifacts["onnx"].path)
    tensor = max(model.graph.initializer, key=lambda found: len(found.raw_data))
    (tmp_path / "weights.bin").write_bytes(tensor.raw_data)
    constant = onnx.helper.make_node("Constant", [], [tensor.name], value=tensor)
    stored = constant.attribute[0].t
    onnx.external_data_helper.set_external_data(stored, "weights.bin")
    stored.ClearField("raw_data")
    model.graph.initializer.remove(tensor)
    model.graph.node.insert(0, constant)
    path = tmp_path / "a.onnx"
    seal(path, artifacts["onnx"].manifest, lambda target: target.write_bytes(bytes_of(model)))
    with pytest.raises(ArtifactError, match="keeps weights in another file"):
        load_artifact(path)


def bytes_of(model: onnx.ModelProto) -> bytes:
    """The file, without looking for what lies elsewhere."""
    return bytes(model.SerializeToString())
