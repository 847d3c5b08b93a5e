"""Linting files: our own artifacts, and files that are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from bokehflow.engines.coremltools_access import quiet_coremltools
from bokehflow.errors import ArtifactError
from bokehflow.export import TARGETS, Artifact
from bokehflow.runtimes.hazards import lint
from bokehflow.runtimes.hazards.read_onnx import read_onnx
from bokehflow.runtimes.mil_evaluator import Evaluator, read_package
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


def write_onnx(
    path: Path, nodes: list[onnx.NodeProto], shape: list[int | str], opset: int = 18
) -> None:
    floats = TensorProto.FLOAT
    mask = numpy_helper.from_array(np.array([-np.inf], np.float32), "mask")
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", floats, shape)],
        [helper.make_tensor_value_info("y", floats, None)],
        [mask],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)]), path)


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


FILLS = {
    "full": helper.make_node(
        "ConstantOfShape", ["x"], ["y"], name="fill",
        value=numpy_helper.from_array(np.array([-np.inf], np.float32)),
    ),
    "pad of old": helper.make_node("Pad", ["x"], ["y"], name="fill", value=-np.inf, pads=[0, 0]),
}  # fmt: skip


@pytest.mark.parametrize("fill", FILLS.values(), ids=FILLS)
def test_what_a_tensor_is_filled_with_is_a_constant(tmp_path: Path, fill: onnx.NodeProto) -> None:
    write_onnx(tmp_path / "model.onnx", [fill], [1], opset=10)
    found = {(hazard.rule, hazard.where) for hazard in lint(tmp_path / "model.onnx")}
    assert ("not finite", "fill") in found


def test_a_bfloat16_is_a_float(tmp_path: Path) -> None:
    bits = TensorProto.BFLOAT16
    far = helper.make_tensor("far", bits, [1], np.array([0xFF80], np.uint16).tobytes(), raw=True)
    nodes = [
        helper.make_node("Constant", [], ["far"], value=far),
        helper.make_node("Add", ["x", "far"], ["y"], name="adding"),
    ]
    write_onnx(tmp_path / "model.onnx", nodes, [1])
    assert "not finite" in {hazard.rule for hazard in lint(tmp_path / "model.onnx")}


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


@pytest.mark.parametrize(("high", "rules"), [(5.0, []), (1e6, ["beyond half precision"])])
def test_a_clip_of_old_has_its_bounds_as_attributes(
    tmp_path: Path, high: float, rules: list[str]
) -> None:
    nodes = [helper.make_node("Clip", ["x"], ["y"], name="clip", min=-high, max=high)]
    write_onnx(tmp_path / "model.onnx", nodes, [1, 2])
    model = onnx.load(tmp_path / "model.onnx")
    model.opset_import[0].version = 6
    onnx.save(model, tmp_path / "model.onnx")
    assert [hazard.rule for hazard in lint(tmp_path / "model.onnx")] == rules


def test_a_bound_that_is_stored_in_half_precision_bounds(tmp_path: Path) -> None:
    openvino = pytest.importorskip("openvino")
    nodes = [
        helper.make_node("Constant", [], ["high"], value_floats=[5.0]),
        helper.make_node("Min", ["x", "high"], ["low"], name="bound"),
        helper.make_node("Softplus", ["low"], ["y"], name="positive"),
    ]
    write_onnx(tmp_path / "model.onnx", nodes, [1, 2])
    model = openvino.convert_model(tmp_path / "model.onnx")
    openvino.save_model(model, tmp_path / "model_openvino" / "model.xml", compress_to_fp16=True)
    assert "softplus range" not in {hazard.rule for hazard in lint(tmp_path / "model_openvino")}


def test_a_sequence_has_no_fixed_shape(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("SplitToSequence", ["x"], ["parts"], name="split", axis=0),
        helper.make_node("Constant", [], ["first"], value_int=0),
        helper.make_node("SequenceAt", ["parts", "first"], ["y"], name="at"),
    ]
    write_onnx(tmp_path / "model.onnx", nodes, [4, 8])
    assert ("dynamic shape", "split") in {(h.rule, h.where) for h in lint(tmp_path / "model.onnx")}


def test_a_node_without_a_name_is_called_by_what_it_makes(tmp_path: Path) -> None:
    write_onnx(tmp_path / "model.onnx", [helper.make_node("Softplus", ["x"], ["y"])], [1, 2])
    assert [hazard.where for hazard in lint(tmp_path / "model.onnx")] == ["y"]


def test_control_flow_of_a_core_ml_package_is_named(tmp_path: Path) -> None:
    pytest.importorskip("coremltools")
    with quiet_coremltools("test") as coremltools:
        build = coremltools.converters.mil.Builder

        @build.program(input_specs=[build.TensorSpec(shape=(1, 4))])
        def program(x: object) -> object:
            is_large = build.greater(x=build.reduce_sum(x=x, axes=[0, 1]), y=0.0)
            return build.cond(
                pred=is_large,
                _true_fn=lambda: build.add(x=x, y=1.0),
                _false_fn=lambda: build.mul(x=x, y=2.0),
            )

        package = coremltools.convert(program, convert_to="mlprogram")
        package.save(str(tmp_path / "a.mlpackage"))
    found = lint(tmp_path / "a.mlpackage")
    assert [hazard.level for hazard in found if hazard.rule == "control flow"] == ["error"]


def test_a_core_ml_package_of_any_length_is_intact(tmp_path: Path) -> None:
    pytest.importorskip("coremltools")
    path = tmp_path / "a.mlpackage"
    with quiet_coremltools("test") as coremltools:
        program = torch.jit.trace(torch.nn.ReLU(), torch.zeros(2, 8))
        length = coremltools.RangeDim(1, 16)
        coremltools.convert(
            program,
            convert_to="mlprogram",
            inputs=[coremltools.TensorType("x", (2, length))],
            package_dir=str(path),
            skip_model_load=True,
        )
    found = [hazard for hazard in lint(path) if hazard.rule == "dynamic shape"]
    assert {hazard.level for hazard in found} == {"error"}
    assert found[0].where == "x"
    with pytest.raises(ArtifactError, match="known at run time"):
        Evaluator(read_package(path))


def test_a_loop_of_openvino_that_is_no_scan_is_an_error(tmp_path: Path) -> None:
    openvino = pytest.importorskip("openvino")
    opset = openvino.opset13
    inside, x = opset.parameter([2], np.float32), opset.parameter([2], np.float32, name="x")
    doubled = opset.multiply(inside, np.float32(2))
    body = openvino.Model([doubled, opset.constant(True)], [inside], "body")
    again, result = body.get_results()[1], body.get_results()[0]
    loop = opset.loop(opset.constant(3), opset.constant(True))
    loop.set_function(body)
    loop.set_special_body_ports([-1, 1])
    loop.set_merged_input(inside, x.output(0), result.output(0))
    made = loop.get_iter_value(result.output(0), -1)
    assert again is not None
    openvino.save_model(openvino.Model([made], [x]), tmp_path / "model_openvino" / "model.xml")
    found = lint(tmp_path / "model_openvino")
    assert [(hazard.level, hazard.rule) for hazard in found] == [("error", "control flow")]


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
