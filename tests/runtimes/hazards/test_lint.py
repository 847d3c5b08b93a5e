"""Linting files: our own artifacts, and files that are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bokehflow.errors import ArtifactError
from bokehflow.export import TARGETS, Artifact
from bokehflow.runtimes.hazards import lint
from bokehflow.runtimes.hazards.read_onnx import read_onnx
from bokehflow.runtimes.openvino_session import OpenVinoSession


@pytest.mark.parametrize("target", TARGETS)
def test_our_artifacts_have_no_hazard_of_level_error(
    artifacts: dict[str, Artifact], target: str
) -> None:
    hazards = lint(artifacts[target].path)
    assert [hazard for hazard in hazards if hazard.level == "error"] == []
    assert "softplus range" not in {hazard.rule for hazard in hazards}
    if target == "coreml":
        assert {hazard.rule for hazard in hazards} <= {"single precision", "short row"}
        # The narrowest levels of the renderer's fill; no row of one head's channels.
        short = [hazard.reason for hazard in hazards if hazard.rule == "short row"]
        assert all(reason.startswith(("rows of 4 ", "rows of 5 ")) for reason in short)


def write_onnx(path: Path, nodes: list[onnx.NodeProto], shape: list[int | str]) -> None:
    floats = TensorProto.FLOAT
    mask = numpy_helper.from_array(np.array([-np.inf], np.float32), "mask")
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", floats, shape)],
        [helper.make_tensor_value_info("y", floats, None)],
        [mask],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), path)


def test_hazards_of_an_onnx_file_without_a_manifest(tmp_path: Path) -> None:
    path = tmp_path / "bad.onnx"
    nodes = [
        helper.make_node("Add", ["x", "mask"], ["masked"], name="masking"),
        helper.make_node("Softplus", ["masked"], ["y"], name="positive"),
    ]
    write_onnx(path, nodes, [1, "length", 4])
    found = {(hazard.level, hazard.rule, hazard.where) for hazard in lint(path)}
    assert {
        ("error", "not finite", "masking"),
        ("error", "dynamic shape", "masking"),
        ("warning", "softplus range", "positive"),
    } <= found


VALUES: dict[str, dict[str, object]] = {
    "value": {"value": numpy_helper.from_array(np.array([np.inf], np.float32))},
    "float": {"value_float": np.inf},
    "floats": {"value_floats": [1.0, np.inf]},
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_constants_may_be_nodes(tmp_path: Path, value: dict[str, object]) -> None:
    nodes = [
        helper.make_node("Constant", [], ["far"], name="limit", **value),
        helper.make_node("Add", ["x", "far"], ["y"], name="adding"),
    ]
    write_onnx(tmp_path / "model.onnx", nodes, [1, 2])
    assert [(h.rule, h.where) for h in lint(tmp_path / "model.onnx")] == [("not finite", "adding")]


def test_whole_numbers_and_texts_are_constants_too(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Constant", [], ["axis"], value_ints=[0]),
        helper.make_node("Constant", [], ["unused"], value_string="a"),
        helper.make_node("ReduceSum", ["x", "axis"], ["y"], name="adding"),
    ]
    write_onnx(tmp_path / "model.onnx", nodes, [1, 2])
    (adding,) = read_onnx(tmp_path / "model.onnx").nodes
    assert [constant.tolist() for constant in adding.constants] == [[0]]


def test_a_clip_whose_bounds_are_nodes_bounds(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Constant", [], ["low"], value_float=0.0),
        helper.make_node("Constant", [], ["high"], value_float=5.0),
        helper.make_node("Clip", ["x", "low", "high"], ["clipped"], name="clip"),
        helper.make_node("Softplus", ["clipped"], ["y"], name="positive"),
    ]
    write_onnx(tmp_path / "model.onnx", nodes, [1, 2])
    assert lint(tmp_path / "model.onnx") == []


def test_an_input_of_any_length_is_a_hazard_whatever_becomes_of_it(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Constant", [], ["shape"], value_ints=[2, 2]),
        helper.make_node("Reshape", ["x", "shape"], ["y"], name="fixed"),
    ]
    write_onnx(tmp_path / "model.onnx", nodes, ["length", 2])
    assert [(h.rule, h.where) for h in lint(tmp_path / "model.onnx")] == [("dynamic shape", "x")]
    openvino = pytest.importorskip("openvino")
    folder = tmp_path / "model_openvino"
    model = openvino.convert_model(tmp_path / "model.onnx")
    openvino.save_model(model, folder / "model.xml")
    assert [(h.rule, h.where) for h in lint(folder)] == [("dynamic shape", "x")]


@pytest.mark.parametrize(
    ("refuses", "before", "after"),
    [
        pytest.param(lint, b'name="y"', b'name="\xff"', id="hazards"),
        pytest.param(OpenVinoSession, b'names="y"', b'names="\xff"', id="session"),
    ],
)
def test_an_openvino_model_with_damaged_names_is_refused(
    tmp_path: Path, refuses: Callable[[Path], object], before: bytes, after: bytes
) -> None:
    openvino = pytest.importorskip("openvino")
    write_onnx(tmp_path / "model.onnx", [helper.make_node("Softplus", ["x"], ["y"])], [4])
    folder = tmp_path / "model_openvino"
    openvino.save_model(openvino.convert_model(tmp_path / "model.onnx"), folder / "model.xml")
    whole = (folder / "model.xml").read_bytes()
    assert before in whole
    (folder / "model.xml").write_bytes(whole.replace(before, after))
    with pytest.raises(ArtifactError, match=r"OpenVINO.*utf-8"):
        refuses(folder)


@pytest.mark.parametrize("name", ["model.onnx", "model_openvino", "model.txt", "model.mlpackage"])
def test_what_is_no_artifact_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not a model")
    with pytest.raises(ArtifactError):
        lint(tmp_path / name)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").touch()
    with pytest.raises(ArtifactError, match="no graph"):
        lint(tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"Softplus", b"Softplu\xff"),
        (b"positive", b"positiv\xff"),
        (b"\x08\x01\x10\x01", b"\x08\x05\x10\x01"),
    ],
    ids=["operation", "name", "shape"],
)
def test_a_file_with_damaged_bytes_is_refused(tmp_path: Path, before: bytes, after: bytes) -> None:
    path = tmp_path / "model.onnx"
    write_onnx(path, [helper.make_node("Softplus", ["x"], ["y"], name="positive")], [1, 3, 4])
    whole = path.read_bytes()
    assert before in whole
    path.write_bytes(whole.replace(before, after))
    with pytest.raises(ArtifactError, match="cannot be read as ONNX"):
        lint(path)


def test_outputs_that_are_not_wanted_have_no_shape(tmp_path: Path) -> None:
    nodes = [helper.make_node("Dropout", ["x"], ["y", ""], name="drop")]
    write_onnx(tmp_path / "model.onnx", nodes, [1, 3, 4])
    assert "dynamic shape" not in {hazard.rule for hazard in lint(tmp_path / "model.onnx")}


def test_a_folder_that_is_no_artifact_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArtifactError):
        lint(Path())


def test_a_missing_artifact_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no artifact"):
        lint(tmp_path / "model.onnx")
