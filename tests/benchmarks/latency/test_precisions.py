"""OpenVINO artifacts at every precision that their engine can be told to compute in.

The whole of one takes OpenVINO minutes to compile for fp16, so these look at parts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bokehflow.benchmarks.latency.runner.engine import Load
from bokehflow.benchmarks.latency.runner.openvino_engine import HINTS, MODEL_FILE, OpenVinoEngine
from bokehflow.benchmarks.suite.network_part import cut_openvino
from bokehflow.export import Artifact, ExportConfig, export_each
from bokehflow.export.compiled import LOOPS, operators_of
from bokehflow.export.targets import Precision
from bokehflow.model import load_model
from bokehflow.specs import Size
from tests.tolerances import SCAN_BF16, SCAN_FP16

openvino = pytest.importorskip("openvino")
SIZE = Size(96, 160)


def outputs_of(model: Any, hint: str) -> list[np.ndarray]:
    """Of a first frame of noise, the hardest to keep the digits of."""
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": hint})
    feeds = {port.any_name: np.zeros(port.shape, np.float32) for port in model.inputs}
    feeds["image"] = np.random.default_rng(0).random(feeds["image"].shape, np.float32)
    feeds["lens"] = np.array([[50.0, 1.8, 1.5, 36.0]], np.float32)
    return [np.array(x, np.float64) for x in compiled(feeds).values()]


@pytest.fixture(scope="module")
def chunked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files of artifacts that differ in how their weights are stored."""
    stored: tuple[Precision, ...] = ("fp32", "fp16")
    configs = [ExportConfig("openvino", SIZE, SIZE, each, "chunked") for each in stored]
    made = export_each(load_model("nano"), configs, tmp_path_factory.mktemp("chunked"))
    return {each: artifact.path / MODEL_FILE for each, artifact in zip(stored, made, strict=True)}


@pytest.mark.parametrize("stored", ["fp32", "fp16"])
def test_scans_in_chunks_and_ramps_run_at_every_precision(
    chunked: dict[str, Path], stored: str
) -> None:
    whole = openvino.Core().read_model(chunked[stored])
    ramps = [node for node in whole.get_ops() if node.get_type_name() == "HardSigmoid"]
    assert ramps
    depth = whole.output("depth").get_node().input_value(0)
    ends = [depth, *(node.output(0) for node in ramps)]
    part = openvino.Model([openvino.opset13.result(end) for end in ends], whole.get_parameters())
    expected = outputs_of(part, HINTS["fp32"])
    for precision, tolerance in (("bf16", SCAN_BF16), ("fp16", SCAN_FP16)):
        found = outputs_of(part, HINTS[precision])
        error = np.linalg.norm(found[0] - expected[0]) / np.linalg.norm(expected[0])
        assert error <= tolerance, precision
        assert all(np.isfinite(x).all() for x in found), precision


def test_scans_are_fused_at_every_precision_that_the_processor_has_but_fp16(
    artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    artifact = artifacts["openvino"].path
    fused = {"fp32", "bf16"}
    # Told fp16, a processor without its arithmetic computes in fp32, and fuses all the same.
    if "FP16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        cut_openvino(artifact, tmp_path)
        with pytest.raises(ValueError, match=r"as loops over tokens at fp16.*; use precision=fp32"):
            OpenVinoEngine(Load(tmp_path, tmp_path, 1, {"precision": "fp16"}))
    else:
        fused.add("fp16")
    for precision in fused:
        engine = OpenVinoEngine(Load(artifact, artifact, 1, {"precision": precision}))
        assert not set(LOOPS) & set(operators_of(engine.model)), precision
