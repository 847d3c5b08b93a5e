"""What an exported artifact holds, and what a failed export leaves."""

from __future__ import annotations

import functools
import json
import operator
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import onnx
import pytest
import torch

from bokehflow.engines.coremltools_access import quiet_coremltools
from bokehflow.errors import (
    ArtifactError,
    CheckError,
    OutputError,
    SizeError,
    UnknownNameError,
    UsageError,
)
from bokehflow.export import TARGETS, Artifact, ExportConfig, as_target, export, load_artifact
from bokehflow.export.artifacts.hashing import artifact_sha256
from bokehflow.export.artifacts.manifest_reading import read_manifest
from bokehflow.export.artifacts.naming import manifest_path
from bokehflow.export.checks import check_static_graph
from bokehflow.export.export import manifest_of
from bokehflow.export.graphs import Graphs
from bokehflow.export.lowering.choice import find_lowering
from bokehflow.model import load_model
from bokehflow.rendering import RenderConfig
from bokehflow.specs import Size
from bokehflow.weights import read_weights, save_weights

SMALL = Size(96, 160)
INPUTS = ["image", "lens", "state_scan", "state_pooled", "state_valid"]
OUTPUTS = ["bokeh", "depth", "next_state_scan", "next_state_pooled", "next_state_valid"]


@pytest.mark.parametrize("target", TARGETS)
def test_manifest_says_what_the_artifact_is(artifacts: dict[str, Artifact], target: str) -> None:
    artifact = artifacts[target]
    manifest = artifact.manifest
    assert artifact.path.name.startswith("bokehflow-nano_96x160_netfull_")
    assert manifest.artifact_sha256 == artifact_sha256(artifact.path)
    assert manifest.artifact_bytes > 1e6
    assert [spec.name for spec in manifest.inputs] == INPUTS
    assert [spec.name for spec in manifest.outputs] == OUTPUTS
    assert manifest.state_pairs == dict(zip(INPUTS[2:], OUTPUTS[2:], strict=True))
    assert manifest.scan["requested"] == "auto"
    assert manifest.lowering == find_lowering("auto", target).name
    assert manifest.weights_sha256 == load_model("nano").weights.sha256
    assert load_artifact(manifest_path(artifact.path)) == artifact


@pytest.mark.parametrize("target", TARGETS)
def test_the_same_facts_are_inside_the_file(artifacts: dict[str, Artifact], target: str) -> None:
    artifact = artifacts[target]
    facts = json.loads(_embedded(artifact))
    assert facts["weights_sha256"] == artifact.manifest.weights_sha256
    assert facts["frame_size"] == [96, 160]
    assert facts["render"]["quality"] == "mobile"
    assert facts["trained"] is artifact.manifest.trained


def _embedded(artifact: Artifact) -> str:
    if artifact.manifest.target == "onnx":
        (prop,) = onnx.load(artifact.path).metadata_props
        return prop.value
    if artifact.manifest.target == "openvino":
        openvino = pytest.importorskip("openvino")
        model = openvino.Core().read_model(artifact.path / "model.xml")
        return str(model.get_rt_info(["bokehflow", "bokehflow"]).value)
    with quiet_coremltools("test") as coremltools:
        model = coremltools.models.MLModel(str(artifact.path), skip_model_load=True)
        return str(model.user_defined_metadata["bokehflow"])


def test_onnx_graph_is_static_and_named_after_its_modules(
    artifacts: dict[str, Artifact],
) -> None:
    proto = onnx.load(artifacts["onnx"].path)
    onnx.checker.check_model(proto, full_check=True)
    check_static_graph(proto)
    contributed = [n for n in proto.graph.node if n.domain not in ("", "ai.onnx")]
    assert {(n.domain, n.op_type) for n in contributed} == {("com.microsoft", "LinearAttention")}
    assert [n.name.split("/")[0] for n in contributed] == [
        f"network.blocks.{i}.scan"
        for i in range(6)
        for _ in range(find_lowering("auto", "onnx").operators_a_layer)
    ]
    assert len({node.name for node in proto.graph.node}) == len(proto.graph.node)


def test_onnx_opens_in_plain_onnxruntime(artifacts: dict[str, Artifact]) -> None:
    script = (
        "import sys, numpy, onnxruntime\n"
        "session = onnxruntime.InferenceSession(sys.argv[1])\n"
        "feeds = {i.name: numpy.zeros(i.shape, numpy.float32) for i in session.get_inputs()}\n"
        "feeds['lens'][:] = [50, 1.8, 1.5, 36]\n"
        "outputs = session.run(None, feeds)\n"
        "assert all(numpy.isfinite(o).all() for o in outputs)\n"
        "assert not any(name.startswith('bokehflow') for name in sys.modules)\n"
        "print(outputs[0].shape)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(artifacts["onnx"].path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=artifacts["onnx"].path.parent,
    )
    assert done.stdout.strip() == "(1, 3, 96, 160)"


def test_openvino_graph_is_static(artifacts: dict[str, Artifact]) -> None:
    openvino = pytest.importorskip("openvino")
    model = openvino.Core().read_model(artifacts["openvino"].path / "model.xml")
    assert not model.is_dynamic()
    ranks = [len(o.get_partial_shape()) for op in model.get_ops() for o in op.outputs()]
    assert max(ranks) <= 5


def test_coreml_program_is_static_and_of_low_rank(artifacts: dict[str, Artifact]) -> None:
    pytest.importorskip("coremltools")
    from bokehflow.runtimes.mil_evaluator import read_package

    program = read_package(artifacts["coreml"].path)
    ranks = [
        len(output.shape)
        for operation in program.operations
        for output in operation.results
        if operation.kind != "const"
    ]
    assert max(ranks) <= 5


@pytest.mark.parametrize("shown", [True, False], ids=["within", "inputs alone"])
@pytest.mark.parametrize(
    ("shape", "message"), [(["n", 2], "x.* has no static shape"), ([1] * 6, "x.* has 6 axes")]
)
def test_a_dynamic_or_deep_graph_is_refused(
    shape: list[int | str], message: str, shown: bool
) -> None:
    value, float32 = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    relu = onnx.helper.make_node("Relu", ["x"], ["y"], name="relu")
    flat = onnx.helper.make_node("Reshape", ["x", "size"], ["y"], name="flat")
    size = onnx.helper.make_tensor("size", onnx.TensorProto.INT64, [2], [1, 1])
    graph = onnx.helper.make_graph(
        [relu if shown else flat],
        "g",
        [value("x", float32, shape)],
        [value("y", float32, shape if shown else [1, 1])],
        [size],
    )
    with pytest.raises(CheckError, match=message):
        check_static_graph(onnx.helper.make_model(graph))


def test_a_constant_of_many_axes_is_refused() -> None:
    value, float32 = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    deep = onnx.helper.make_tensor("deep", float32, [1] * 6, [1.0])
    flat = onnx.helper.make_node("Reshape", ["deep", "size"], ["y"])
    size = onnx.helper.make_tensor("size", onnx.TensorProto.INT64, [1], [1])
    graph = onnx.helper.make_graph([flat], "g", [], [value("y", float32, [1])], [deep, size])
    with pytest.raises(CheckError, match="deep has 6 axes"):
        check_static_graph(onnx.helper.make_model(graph))


def test_a_changed_artifact_is_noticed(artifacts: dict[str, Artifact], tmp_path: Path) -> None:
    source = artifacts["onnx"].path
    copy = tmp_path / source.name
    data = bytearray(source.read_bytes())
    data[len(data) // 2] ^= 1
    copy.write_bytes(bytes(data))
    manifest_path(copy).write_bytes(manifest_path(source).read_bytes())
    with pytest.raises(ArtifactError, match="changed or damaged"):
        load_artifact(copy)


def test_a_manifest_tells_the_size_of_its_artifact(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    source = artifacts["onnx"].path
    copy = tmp_path / source.name
    copy.write_bytes(source.read_bytes())
    facts = json.loads(manifest_path(source).read_text())
    assert "onnxruntime" in facts["tools"]
    manifest_path(copy).write_text(json.dumps(facts | {"artifact_bytes": 1}))
    with pytest.raises(ArtifactError, match="says 1 bytes"):
        load_artifact(copy)


def test_a_state_may_be_described_in_other_words(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    facts = json.loads(artifacts["onnx"].manifest.to_json())
    facts["inputs"][2]["layout"] = "zeros at first"
    target = tmp_path / "manifest.json"
    target.write_text(json.dumps(facts))
    assert read_manifest(target).inputs[2].layout == "zeros at first"


def test_a_manifest_may_begin_as_some_editors_begin_texts(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    target = tmp_path / "manifest.json"
    target.write_text(artifacts["onnx"].manifest.to_json(), encoding="utf-8-sig")
    assert read_manifest(target) == artifacts["onnx"].manifest


def manifest_schema() -> dict[str, Any]:
    found = files("bokehflow.export.artifacts").joinpath("manifest.schema.json").read_text()
    schema: dict[str, Any] = json.loads(found)
    return schema


@pytest.mark.parametrize(
    "place",
    [
        ("temporal", "first_frame_runs"),
        ("temporal", "tsp"),
        ("render", "quality"),
        ("budget", "parity_db"),
        ("inputs", 0, "dtype"),
        ("artifact_sha256",),
    ],
    ids=lambda place: ".".join(map(str, place)),
)
def test_the_schema_wants_what_clients_need(
    artifacts: dict[str, Artifact], place: tuple[str | int, ...]
) -> None:
    schema = manifest_schema()
    *path, last = place
    for change in (lambda inside: inside.pop(last), lambda inside: inside.update({last: "foo"})):
        facts = json.loads(artifacts["onnx"].manifest.to_json())
        change(functools.reduce(operator.getitem, path, facts))
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(facts, schema)


@pytest.mark.parametrize("target", TARGETS)
def test_a_manifest_fits_its_schema_which_describes_every_field(
    artifacts: dict[str, Artifact], target: str
) -> None:
    schema = manifest_schema()
    facts = json.loads(artifacts[target].manifest.to_json())
    jsonschema.validate(facts, schema)
    assert set(schema["properties"]) == set(facts)
    for field in ("scan", "render", "format", "budget", "temporal"):
        assert schema["properties"][field]["additionalProperties"] is False
        assert set(facts[field]) <= set(schema["properties"][field]["properties"])


def test_the_schema_says_what_every_field_means() -> None:
    def fields(schema: dict[str, Any], name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for form in (schema, schema.get("items", {}), *schema.get("anyOf", ())):
            for key, inside in form.get("properties", {}).items():
                yield f"{name}.{key}", inside
                yield from fields(inside, f"{name}.{key}")

    schema = manifest_schema()
    assert [name for name, each in fields(schema, "") if not _described(each)] == []


def _described(schema: dict[str, Any]) -> bool:
    return any("description" in form for form in (schema, *schema.get("anyOf", ())))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not a manifest"),
        ("[" * 100_000, "not a manifest"),
        ("[]", "schema version"),
        ('{"schema_version": 99}', "schema version 99"),
        ('{"schema_version": 1}', "not a whole manifest"),
    ],
)
def test_a_damaged_manifest_is_refused(
    artifacts: dict[str, Artifact], tmp_path: Path, text: str, message: str
) -> None:
    copy = tmp_path / artifacts["onnx"].path.name
    copy.write_bytes(artifacts["onnx"].path.read_bytes())
    manifest_path(copy).write_text(text)
    with pytest.raises(ArtifactError, match=message):
        load_artifact(copy)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("variant",), 1, "variant is 1; expected a text"),
        (("variant",), "nanoo", "unknown variant 'nanoo'"),
        (("trained",), "yes", "trained is 'yes'; expected true or false"),
        (("artifact_sha256",), None, "artifact_sha256 is None; expected a text"),
        (("canonical_fov_deg",), 0, "canonical_fov_deg=0.0; expected at least 1"),
        (("frame_size",), [96], r"frame_size is \[96\]; expected 2 values"),
        (
            ("network_size",),
            [90, 160],
            "network height 90 for a frame of 96x160; expected a multiple of 4",
        ),
        (("inputs",), [], "inputs has 0 tensors; expected 5"),
        (("inputs", 0, "dtype"), "uint8", r"inputs\[0\].dtype is 'uint8'; expected float32"),
        (("inputs", 0, "layout"), "NHWC", r"inputs\[0\].layout is 'NHWC'; expected NCHW, RGB"),
        (("outputs", 1, "value_range"), [0, 255], r"outputs\[1\].value_range is \(0.0, 255.0\)"),
        (("precision",), "banana", "unknown precision 'banana'; expected one of fp32"),
        (("scan", "lowering"), "foo", "unknown scan lowering 'foo'"),
        (("scan", "lowering"), "auto", "scan.lowering is 'auto'"),
        (("target",), "openvino", "linear_attention"),
        (("weights_sha256",), "zz", "weights_sha256 is 'zz'; expected 64 hexadecimal digits"),
        (("outputs", 1, "shape", 0), "1", r"outputs\[1\].shape\[0\] is '1'; expected a whole"),
        (("state_pairs",), {}, "state_pairs is {}"),
        (("render", "quality"), [], r"render.quality is \[\]; expected one of mobile, best"),
        (("render", "blades"), 2, "render: blades=2"),
        (("render", "max_radius_px"), 161, "max_radius_px=161 .*; expected at most 160"),
        (("render", "max_radius_px"), 10**30, "max_radius_px=1e.30; expected 1 to"),
        (("render", "max_radius_px"), 10**400, "max_radius_px is 1000.*; expected a finite"),
        (("budget", "parity_db"), float("nan"), "parity_db is nan; expected a finite number"),
        (("budget", "parity_db"), True, "parity_db is True; expected a finite number"),
        (("budget", "parity_db"), -1, "parity_db is -1; expected more than 0"),
        (("scan", "groups"), [float("inf")], r"scan.groups\[0\] is inf; expected a finite"),
        (("parity",), {"frames": 2}, "no parity.bokeh_psnr_db"),
        (("quantization",), {"recipe": "int8"}, "no quantization.source_sha256"),
        (("temporal", "first_frame_runs"), 3, "temporal.first_frame_runs is 3; expected 1"),
        (("temporal", "first_frame_runs"), True, "first_frame_runs is True; expected a whole"),
        (("more",), 1, "unknown key 'more'"),
        (("budget", "memory_gb"), 1, "unknown key 'budget.memory_gb'; expected one of parity_db"),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_a_manifest_with_a_value_that_makes_no_sense_is_refused(
    artifacts: dict[str, Artifact],
    tmp_path: Path,
    place: tuple[str | int, ...],
    value: object,
    message: str,
) -> None:
    facts = json.loads(artifacts["onnx"].manifest.to_json())
    *path, last = place
    inside = functools.reduce(operator.getitem, path, facts)
    inside[last] = value
    target = tmp_path / "manifest.json"
    target.write_text(json.dumps(facts))
    with pytest.raises(ArtifactError, match=f"not a whole manifest: .*{message}.*export it again"):
        read_manifest(target)


def test_a_missing_artifact_or_manifest_is_refused(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    for path in (tmp_path / "none.onnx", tmp_path / ".json", Path("/")):
        with pytest.raises(ArtifactError, match="bfx export"):
            load_artifact(path)
    copy = tmp_path / artifacts["onnx"].path.name
    copy.write_bytes(b"")
    with pytest.raises(ArtifactError, match="no manifest"):
        load_artifact(copy)


def test_targets_that_share_a_graph_share_no_metadata(artifacts: dict[str, Artifact]) -> None:
    text = (artifacts["openvino"].path / "model.xml").read_text()
    assert "bokehflow" in text
    assert "<framework>" not in text


def test_a_failed_export_leaves_the_old_artifact_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: onnx.ModelProto, target: Path) -> None:
        target.write_bytes(b"half")
        raise RuntimeError("stopped")

    config = ExportConfig("onnx", SMALL, SMALL)
    old = tmp_path / "bokehflow-nano_96x160_netfull_fp32.onnx"
    old.write_bytes(b"old")
    monkeypatch.setattr(Graphs, "onnx_graph", lambda *_: onnx.ModelProto())
    monkeypatch.setattr(onnx, "save", fail)
    with pytest.raises(RuntimeError, match="stopped"):
        export(load_model("nano"), config, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [old.name]
    assert old.read_bytes() == b"old"
    with pytest.raises(RuntimeError, match="stopped"):
        export(load_model("nano"), config, tmp_path / "new" / "folder")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        export(load_model("nano"), ExportConfig("onnx", SMALL, SMALL), tmp_path / "file" / "dist")


def test_bad_requests_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'coreml'"):
        as_target("core-ml")
    with pytest.raises(UnknownNameError, match="did you mean 'chunked'"):
        ExportConfig("onnx", scan="chunk")
    with pytest.raises(UsageError, match="fp16 for onnx"):
        ExportConfig("onnx", precision="fp16")
    with pytest.raises(UnknownNameError, match="fp8"):
        ExportConfig("coreml", precision="fp8")  # type: ignore[arg-type]
    with pytest.raises(SizeError, match="multiple of 4"):
        ExportConfig("onnx", Size(90, 160), Size(90, 160))


def test_a_reach_beyond_the_frame_is_told_before_any_work() -> None:
    with pytest.raises(UsageError, match=r"max_radius_px=161 for .* 96x160; .* at most 160"):
        ExportConfig("onnx", SMALL, SMALL, render=RenderConfig(max_radius_px=161))


def test_nothing_is_exported_into_an_artifact(artifacts: dict[str, Artifact]) -> None:
    folder, size = artifacts["openvino"].path, Size(32, 48)
    with pytest.raises(UsageError, match="lies in the artifact"):
        export(load_model("nano"), ExportConfig("onnx", size, size), folder / "new")
    assert load_artifact(folder)


def test_weights_that_were_changed_are_told_by_a_hash_of_their_own(tmp_path: Path) -> None:
    model, config = load_model("nano"), ExportConfig("onnx", SMALL, SMALL)
    model.network.double()
    assert manifest_of(model, config).weights_sha256 == model.weights.sha256
    with torch.no_grad():
        next(model.network.float().parameters()).mul_(1.5)
    saved = save_weights(
        tmp_path / "own.safetensors", model.network.state_dict(), "nano", trained=True, fov_deg=60.0
    )
    assert manifest_of(model, config).weights_sha256 == saved.sha256 != model.weights.sha256
    assert read_weights(tmp_path / "own.safetensors", "nano")[1] == saved
