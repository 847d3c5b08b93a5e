"""Whole recipes on a small Nano: what is quantized, what is left, and what is written."""

from __future__ import annotations

import dataclasses
import json
import sys
from dataclasses import fields
from importlib.metadata import PackageNotFoundError
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import onnx
import onnxruntime
import pytest

from bokehflow.benchmarks.dot_products import eight_bit_dot_products
from bokehflow.benchmarks.report.node_parts import eight_bits_of
from bokehflow.calibration.frames import BENCHMARK_LENSES, validation_frames
from bokehflow.calibration.sample_set import SampleSet
from bokehflow.engines.coremltools_access import load_program, passes_only, quiet_coremltools
from bokehflow.errors import (
    MissingDependencyError,
    NumericalError,
    OutputError,
    SizeError,
    UnknownNameError,
    UsageError,
)
from bokehflow.export import Artifact, load_artifact
from bokehflow.export.artifacts.artifact import seal
from bokehflow.export.artifacts.naming import quantized_path
from bokehflow.export.lowering.choice import AUTO, find_lowering
from bokehflow.quantize import QuantizeConfig, Quantized, check_request, find_recipe, quantize
from bokehflow.quantize.coreml_package import (
    check_quantizers,
    layer_operations,
    with_quantized_inputs,
)
from bokehflow.quantize.frame_noise import frame_noise
from bokehflow.quantize.held_out import HeldOut, Limits, Loss
from bokehflow.quantize.job import Job
from bokehflow.quantize.layers import is_quantizable, is_quantizable_constant
from bokehflow.quantize.onnx_format import OnnxFormat
from bokehflow.quantize.openvino_format import OpenVinoFormat
from bokehflow.runtimes import Session, open_session
from bokehflow.runtimes.carried_state import Playback
from bokehflow.runtimes.openvino_counters import CountingOpenVinoSession
from tests.benchmarks.report.samples import CountingSession, manifest
from tests.export.copies import copied
from tests.training.samples import TINY

LARGEST_INT8_BYTES = 1_600_000
PARITY_DB = 40.0


@pytest.fixture(scope="module", params=["onnx", "openvino"])
def quantized(
    request: pytest.FixtureRequest,
    artifacts: dict[str, Artifact],
    samples: SampleSet,
    tmp_path_factory: pytest.TempPathFactory,
) -> Quantized:
    return quantize(
        artifacts[request.param],
        samples,
        QuantizeConfig("int8"),
        tmp_path_factory.mktemp(request.param),
    )


def test_int8_keeps_its_bars_and_says_what_it_did(
    quantized: Quantized, artifacts: dict[str, Artifact], samples: SampleSet
) -> None:
    made, record = quantized.artifact, quantized.record
    manifest = made.manifest
    source = artifacts[manifest.target].manifest
    assert quantized.met
    assert record["held_out"]["parity_db"] >= PARITY_DB
    assert manifest.precision == "int8"
    assert manifest.quantization is not None
    assert manifest.quantization.source_sha256 == source.artifact_sha256
    assert manifest.quantization.calibration_sha256 == samples.sha256()
    assert manifest.frame_size == source.frame_size
    weights = made.path if manifest.target == "onnx" else made.path / "model.bin"
    assert weights.stat().st_size <= LARGEST_INT8_BYTES
    assert manifest.artifact_bytes < 0.6 * source.artifact_bytes


def test_the_record_is_of_the_file_that_was_written(
    quantized: Quantized, artifacts: dict[str, Artifact]
) -> None:
    made = quantized.artifact
    source = artifacts[made.manifest.target]
    held_out = HeldOut(source.manifest, open_session(source))
    loss = held_out.loss(open_session(load_artifact(made.path)))
    recorded = quantized.record["held_out"]
    assert loss == Loss(*(recorded[field.name] for field in fields(Loss)))


@pytest.mark.parametrize(("target", "kind"), [("onnx", OnnxFormat), ("openvino", OpenVinoFormat)])
def test_what_happens_along_a_video_is_of_what_would_be_written(
    tiny_artifacts: dict[str, Artifact], monkeypatch: pytest.MonkeyPatch, target: str, kind: Any
) -> None:
    written: list[object] = []

    class Watched(kind):  # type: ignore[misc]
        def open_written(self, path: Path) -> Session:
            written.append(path)
            session: Session = super().open_written(path)
            return session

    for name in ("FRAMES", "DRIFT_FRAMES"):
        monkeypatch.setattr(f"bokehflow.quantize.frame_noise.{name}", 1)
    form, artifact = Watched(), tiny_artifacts[target]
    original = form.read(artifact.path)
    quantized = form.with_8bit_weights(original)
    found = frame_noise(form, quantized, original, artifact.manifest, lambda: None)
    assert len(found["frames"]) == 1
    assert len(written) == 1
    # Both streams' blocks are scanned together.
    assert len(found["scans"]) == TINY.blocks


class UnseenScenes(HeldOut):
    """Finds no loss, without evaluating a frame."""

    def __init__(self) -> None:
        pass

    def loss(self, _: object) -> Loss:
        return Loss(0.0, 90.0, 90.0)


def test_only_layers_are_quantized_in_every_block(quantized: Quantized) -> None:
    layers = quantized.record["quantized_layers"]
    lowering = find_lowering(AUTO, quantized.artifact.manifest.target)
    assert all(is_quantizable(layer) for layer in layers)
    for block in range(6):
        projections = [la for la in layers if f"blocks.{block}.scan.project." in la]
        assert len(projections) == 5 * lowering.operators_a_layer


@pytest.mark.skipif(not eight_bit_dot_products(), reason="no 8-bit dot products here")
def test_every_quantized_layer_computes_in_8_bits(quantized: Quantized, tmp_path: Path) -> None:
    """Behind a quantizer that its engine unpacks again a layer loses accuracy and time alike."""
    made, layers = quantized.artifact, set(quantized.record["quantized_layers"])
    if made.manifest.target == "openvino":
        session = CountingOpenVinoSession(made.path)
        (frame,) = validation_frames(made.manifest.frame_size, 1)
        Playback(made.manifest, session).show(frame.numpy(), BENCHMARK_LENSES[0])
        assert eight_bits_of(session.nodes(), layers).products == layers
    else:
        nodes = optimized(made.path, tmp_path)
        written = {output for node in nodes for output in node.output}
        unpacked = [node for node in nodes if node.op_type == "DequantizeLinear"]
        assert [node.name for node in unpacked if node.input[0] in written] == []
        computed = [node for node in nodes if node.op_type == "MatMulIntegerToFloat"]
        assert len(computed) == len(layers)


def optimized(path: Path, folder: Path) -> list[onnx.NodeProto]:
    """The nodes that ONNX Runtime makes of a file."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(folder / "optimized.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(path, options)
    return list(onnx.load(options.optimized_model_filepath).graph.node)


@pytest.mark.parametrize("quantized", ["onnx"], indirect=True)
def test_onnx_activations_have_unsigned_codes(quantized: Quantized) -> None:
    graph = onnx.load(quantized.artifact.path).graph
    types = {tensor.name: tensor.data_type for tensor in graph.initializer}
    found = [types[node.input[2]] for node in graph.node if node.op_type == "QuantizeLinear"]
    assert found
    assert set(found) == {onnx.TensorProto.UINT8}


def test_the_record_fits_its_schema(quantized: Quantized) -> None:
    record = json.loads(quantized.record_path.read_text(encoding="utf-8"))
    schema = files("bokehflow.quantize").joinpath("record.schema.json")
    jsonschema.validate(record, json.loads(schema.read_text(encoding="utf-8")))
    ranking = [layer["sqnr_db"] for layer in record["layers"]]
    assert ranking == sorted(ranking)
    assert len(ranking) == len(record["quantized_layers"])


def test_a_quantized_artifact_is_refused(quantized: Quantized) -> None:
    with pytest.raises(UsageError, match="quantized already, by int8"):
        check_request(quantized.artifact, QuantizeConfig())


@pytest.mark.usefixtures("tiny_variant")
def test_a_limit_that_cannot_be_kept_leaves_the_best(
    tiny_artifacts: dict[str, Artifact],
    tiny_samples: SampleSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(HeldOut, "loss", lambda *_: Loss(1.0, 90.0, 60.0))
    made = quantize(tiny_artifacts["onnx"], tiny_samples, QuantizeConfig("w8", 0.5), tmp_path)
    assert not made.met
    assert made.record["held_out"]["met"] is False
    assert made.artifact.path.is_file()
    assert made.record_path.is_file()


@pytest.mark.usefixtures("tiny_variant")
def test_what_is_exported_again_in_the_meantime_is_not_taken_for_the_source(
    tiny_artifacts: dict[str, Artifact],
    tiny_samples: SampleSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = load_artifact(copied(tiny_artifacts["onnx"], tmp_path))

    def lost(*_: object) -> Loss:
        changed = dataclasses.replace(source.manifest, trained=True)
        seal(source.path, changed, lambda at: at.write_bytes(b"another"))
        return Loss(0.0, 90.0, 60.0)

    monkeypatch.setattr(HeldOut, "loss", lost)
    with pytest.raises(OutputError, match=r"in the meantime|has changed"):
        quantize(source, tiny_samples, QuantizeConfig("w8"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("tiny_variant")
def test_nothing_is_quantized_into_an_artifact(
    tiny_artifacts: dict[str, Artifact], tiny_samples: SampleSet
) -> None:
    source = tiny_artifacts["openvino"]
    with pytest.raises(UsageError, match="would write over"):
        quantize(source, tiny_samples, QuantizeConfig("w8"), source.path)
    assert load_artifact(source.path).manifest == source.manifest


@pytest.mark.usefixtures("tiny_variant")
def test_what_is_in_the_way_is_told_before_the_long_work(
    tiny_artifacts: dict[str, Artifact],
    tiny_samples: SampleSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = tiny_artifacts["onnx"]
    name = quantized_path(source.path, "onnx", source.manifest.precision, "w8").name
    (tmp_path / name).mkdir()
    module = sys.modules["bokehflow.quantize.quantize"]
    monkeypatch.setattr(module, "open_session", lambda _: pytest.fail("no work"))
    with pytest.raises(OutputError, match="is a folder, and no artifact"):
        quantize(source, tiny_samples, QuantizeConfig("w8"), tmp_path)


def test_samples_of_another_size_are_refused(
    artifacts: dict[str, Artifact], tiny_samples: SampleSet, tmp_path: Path
) -> None:
    with pytest.raises(SizeError, match="samples of 64x96; expected 96x160"):
        quantize(artifacts["onnx"], tiny_samples, QuantizeConfig("int8"), tmp_path)


@pytest.mark.usefixtures("tiny_variant")
@pytest.mark.parametrize("target", ["onnx", "coreml"])
def test_weights_alone_have_no_ranges(
    tiny_artifacts: dict[str, Artifact],
    tiny_samples: SampleSet,
    tmp_path: Path,
    target: str,
) -> None:
    made = quantize(tiny_artifacts[target], tiny_samples, QuantizeConfig("w8"), tmp_path)
    assert made.record["calibration"]["ranges_from"] == 0


@pytest.mark.parametrize(
    ("target", "recipe", "told"),
    [
        ("onnx", "w8", "a recipe that leaves some: int8-mixed"),
        ("coreml", None, "leave --search out"),
    ],
)
def test_a_search_that_a_recipe_does_not_make_is_refused_with_one_that_helps(
    tiny_artifacts: dict[str, Artifact], target: str, recipe: str | None, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        check_request(tiny_artifacts[target], QuantizeConfig(recipe, search="parts"))


def test_core_ml_activations_are_quantized_before_layers_alone(
    tiny_artifacts: dict[str, Artifact],
) -> None:
    path = tiny_artifacts["coreml"].path
    with quiet_coremltools("a test") as coremltools, passes_only():
        model = coremltools.models.MLModel(str(path), skip_model_load=True)
        operations = list(layer_operations(load_program(model)))
        magnitudes = {op.inputs["x"].name: 1.0 for op, _ in operations}
        made = load_program(with_quantized_inputs(model, magnitudes))
        reached = check_quantizers(made)
    assert reached == sorted(name for _, name in operations)
    assert all(is_quantizable_constant(name) for name in reached)
    assert len([name for name in reached if "scan_project" in name]) == TINY.blocks * 4


@pytest.mark.parametrize(
    ("name", "in_8_bits"), [("w8", False), ("palette6", False), ("w8a8", True)], ids=str
)
def test_core_ml_layers_are_ranked_by_their_own_noise(
    name: str,
    in_8_bits: bool,
    tiny_artifacts: dict[str, Artifact],
    tiny_samples: SampleSet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def counted(model: object) -> object:
        read.append(model)
        return load_program(model)

    read: list[object] = []
    monkeypatch.setattr("bokehflow.quantize.coreml_recipes.load_program", counted)
    monkeypatch.setattr("bokehflow.runtimes.mil_evaluator.reading.load_program", counted)
    limits = Limits(0.3, PARITY_DB)
    package = tiny_artifacts["coreml"]
    job = Job(package, tiny_samples, UnseenScenes(), limits, "parts", lambda: None)
    outcome = find_recipe(name, "coreml").run(job)
    ranking = [noise.sqnr_db for noise in outcome.noises]
    assert ranking == sorted(ranking)
    assert 10.0 < ranking[0] < ranking[-1] < 70.0
    names = [noise.layer for noise in outcome.noises]
    assert all(is_quantizable_constant(layer) for layer in names)
    assert len([layer for layer in names if "scan_project" in layer]) == TINY.blocks * 4
    assert set(outcome.quantized) == (set(names) if in_8_bits else set())
    assert len(read) == 3  # the package, what became of it, and that as it is opened to be judged


@pytest.mark.parametrize(
    ("name", "target", "error"),
    [
        pytest.param("int9", "onnx", UnknownNameError, id="no-such-recipe"),
        pytest.param("palette6", "onnx", UsageError, id="another-targets-recipe"),
        pytest.param("int8", "coreml", UsageError, id="not-for-core-ml"),
    ],
)
def test_recipes_that_a_target_lacks(name: str, target: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="w8"):
        find_recipe(name, target)


@pytest.mark.parametrize("limit", [-0.1, float("nan"), float("inf")], ids=str)
def test_impossible_limits_are_refused(limit: float) -> None:
    with pytest.raises(UsageError, match="max_drop_db"):
        QuantizeConfig(max_drop_db=limit)


def test_nncf_is_asked_for_before_the_long_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nncf", None)
    artifact = Artifact(Path("a.onnx"), manifest(quantization=None))
    assert check_request(artifact, QuantizeConfig("w8")).name == "w8"
    with pytest.raises(MissingDependencyError, match="nncf"):
        check_request(artifact, QuantizeConfig("int8"))


def test_an_engine_is_asked_for_in_words_of_quantizing(
    artifacts: dict[str, Artifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingDependencyError, match="quantizing for openvino needs"):
        check_request(artifacts["openvino"], QuantizeConfig("w8"))


def test_scikit_learn_is_asked_for_where_weights_are_clustered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("bokehflow.installed.version", absent)
    package = Artifact(Path("a.mlpackage"), manifest(target="coreml", quantization=None))
    assert check_request(package, QuantizeConfig("w8")).name == "w8"
    with pytest.raises(MissingDependencyError, match="scikit-learn"):
        check_request(package, QuantizeConfig("palette6"))


def test_what_is_not_finite_is_never_judged() -> None:
    session = CountingSession(error=float("nan"))
    with pytest.raises(NumericalError, match="bokeh of the scene portrait"):
        HeldOut(manifest(), session)


def test_limits_want_both_little_loss_and_parity() -> None:
    limits = Limits(0.3, PARITY_DB)
    assert limits.met_by(Loss(0.3, 40.0, 0.0))
    assert not limits.met_by(Loss(0.31, 90.0, 0.0))
    assert not limits.met_by(Loss(0.0, 39.9, 0.0))
    assert limits.excess(Loss(0.5, 39.0, 0.0)) == pytest.approx(1.2)


@pytest.mark.parametrize(
    "name",
    [
        "network.blocks.3.scan/mul_4",
        "network.blocks.3.scan/linearattention_1",
        "network.blocks.3.scan.forget.0/matmul_1",
        "network.coarse.read/matmul_1",
        "network.coc_conditions.0.read/conv_1",
        "network.refine.first/conv_1",
        "renderer/conv_1",
    ],
)
def test_what_must_stay_in_float(name: str) -> None:
    assert not is_quantizable(name)
