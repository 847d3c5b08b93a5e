"""The runner: one file, old Pythons, and the same numbers as the sessions."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest

from bokehflow.benchmarks.latency.bundle import FOLDER, runner_bytes
from bokehflow.benchmarks.latency.runner import host as runner_host
from bokehflow.benchmarks.latency.runner import openvino_engine
from bokehflow.benchmarks.latency.runner.engine import Engine, Load, mean_by_name
from bokehflow.benchmarks.latency.runner.host import describe_host, peak_memory_bytes
from bokehflow.benchmarks.latency.runner.onnxruntime_engine import OnnxRuntimeEngine
from bokehflow.benchmarks.latency.runner.openvino_engine import OpenVinoEngine, OpenVinoProfiler
from bokehflow.benchmarks.latency.runner.torch_engine import TorchEngine
from bokehflow.errors import ArtifactError
from bokehflow.export import Artifact
from bokehflow.export.artifacts.naming import manifest_path
from bokehflow.export.compiled import LOOPS
from bokehflow.runtimes import Session, open_session
from bokehflow.runtimes.openvino_session import OpenVinoSession
from bokehflow.runtimes.reference import reference_session
from tests.tolerances import SAME_ENGINE

SOURCES = sorted(FOLDER.glob("*.py"))
ELSEWHERE = {"torch_engine.py"}
"""Imports BokehFlow, which that runtime is."""


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_sources_are_for_old_pythons_and_import_nothing_of_ours(source: Path) -> None:
    text = source.read_text()
    ast.parse(text, feature_version=(3, 9))
    assert source.name in ELSEWHERE or "import bokehflow" not in text
    assert source.name in ELSEWHERE or "from bokehflow" not in text


def test_the_bundle_is_one_runnable_file(tmp_path: Path) -> None:
    runner = tmp_path / "runner.pyz"
    runner.write_bytes(runner_bytes())
    (tmp_path / "job.json").write_text('{"runtime": "onnxruntime"}')
    command = [sys.executable, "-I", runner, "measure", tmp_path, "times"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.wait() == 1
    assert "FileNotFoundError" in (tmp_path / "times.json").read_text()


@pytest.mark.parametrize(
    ("target", "load", "open_same"),
    [
        pytest.param("onnx", OnnxRuntimeEngine, open_session, id="onnxruntime"),
        pytest.param("openvino", OpenVinoEngine, open_session, id="openvino"),
        pytest.param("onnx", TorchEngine, lambda a: reference_session(a.manifest), id="torch"),
    ],
)
def test_an_engine_computes_what_the_session_does(
    artifacts: dict[str, Artifact],
    target: str,
    load: Callable[[Load], Engine],
    open_same: Callable[[Artifact], Session],
) -> None:
    artifact = artifacts[target]
    engine = load(Load(artifact.path, manifest_path(artifact.path), 1, {}))
    session = open_same(artifact)
    generator = np.random.default_rng(0)
    feeds = {
        name: generator.random(shape, np.float32) for name, shape in engine.input_shapes.items()
    }
    feeds["lens"] = np.array([[50.0, 1.8, 1.5, 36.0]], np.float32)
    expected = session.run(feeds)
    found = engine.run({name: engine.put(array) for name, array in feeds.items()})
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(
            engine.get(found[name]), values, rtol=SAME_ENGINE, atol=SAME_ENGINE, err_msg=name
        )


def test_an_output_keeps_its_name_whatever_is_compiled_away_before_it(tmp_path: Path) -> None:
    openvino = pytest.importorskip("openvino")
    op = openvino.opset13
    x = op.parameter([4], np.float32, name="x")
    x.output(0).set_names({"x"})
    sums = op.add(x, op.constant(np.ones(4, np.float32)))
    sums.output(0).set_names({"add"})
    same = op.reshape(sums, op.constant(np.array([4], np.int64)), False)
    same.output(0).set_names({"next"})
    openvino.save_model(openvino.Model([op.result(same)], [x]), tmp_path / "model.xml")
    engine = OpenVinoEngine(Load(tmp_path, tmp_path, 1, {}))
    outputs = engine.run({"x": np.zeros(4, np.float32)})
    assert {name: value.tolist() for name, value in outputs.items()} == {"next": [1.0] * 4}


def test_scans_that_are_left_as_loops_are_refused(tmp_path: Path) -> None:
    openvino = pytest.importorskip("openvino")
    sums = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17]>
        sums (float[1] start, float[64, 1] values) => (float[1] end) {
            end = Scan <num_scan_inputs = 1, body = step (float[1] before, float[1] one)
                        => (float[1] after) { after = Add(before, one) }> (start, values)
        }
    """)
    onnx.save(sums, tmp_path / "sums.onnx")
    openvino.save_model(
        openvino.convert_model(tmp_path / "sums.onnx"), tmp_path / openvino_engine.MODEL_FILE
    )
    for refuses in (OpenVinoEngine, OpenVinoProfiler):
        with pytest.raises(ValueError, match=r"as loops over tokens.*; export it again here"):
            refuses(Load(tmp_path, tmp_path, 1, {}))
        with pytest.raises(ValueError, match=r"as loops over tokens at bf16.*; use precision=fp32"):
            refuses(Load(tmp_path, tmp_path, 1, {"precision": "bf16"}))
    with pytest.raises(ArtifactError, match=r"as loops over tokens.*; export it again here"):
        OpenVinoSession(tmp_path)
    assert openvino_engine.LOOPS == LOOPS


def executed_node(name: str, origins: str) -> SimpleNamespace:
    """As OpenVINO tells of it. origins: nodes of the file, with commas between."""
    info = {"originalLayersNames": SimpleNamespace(value=origins)}
    return SimpleNamespace(get_friendly_name=lambda: name, get_rt_info=lambda: info)


def test_times_of_two_nodes_that_were_made_of_one_are_added() -> None:
    profiler = object.__new__(OpenVinoProfiler)
    samples = {"a": [9.0, 2.0], "a_reorder": [9.0, 0.5], "b": [9.0, 4.0]}
    made = "one,network.stem/conv_1,network.stem/act_2"
    nodes = [executed_node("a", made), executed_node("a_reorder", made), executed_node("b", "")]
    executed = SimpleNamespace(get_ops=lambda: nodes)
    model = SimpleNamespace(get_runtime_model=lambda: executed)
    profiler.engine = SimpleNamespace(model=model, samples=samples)
    assert profiler.nodes(1) == {"network.stem/conv_1": 2.5, "b": 4.0}


def test_the_peak_of_memory_grows_with_what_is_held() -> None:
    before = peak_memory_bytes()
    if before is None:
        pytest.skip("this system does not tell the peak of a process")
    held = np.ones(before // 8 * 2)
    after = peak_memory_bytes()
    assert after is not None
    assert after >= held.nbytes > before


def test_a_host_is_described() -> None:
    host = describe_host()
    assert host["cpu_count"] >= 1
    assert host["python"].startswith("3.")


def test_a_gpu_that_does_not_answer_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\nexec sleep 60\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(runner_host, "ASK_S", 0.2)
    assert describe_host()["gpu"] is None


@pytest.mark.parametrize(
    ("visible", "asked"),
    [(None, "--id=0"), ("2,0", "--id=2"), ("GPU-7f,1", "--id=GPU-7f"), ("", None), ("-1", None)],
)
def test_the_gpu_is_the_first_that_may_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, visible: str | None, asked: str | None
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho $1\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert describe_host()["gpu"] == asked


def test_an_accelerator_is_called_by_its_hardwares_name() -> None:
    class Core:
        def get_property(self, device: str, name: str) -> str:
            if device == "AUTO":
                raise RuntimeError
            return f"{name} of it"

    names = [openvino_engine.full_name(Core(), device) for device in ("CPU", "GPU.1", "AUTO")]
    assert names == ["CPU", "GPU.1, FULL_DEVICE_NAME of it", "AUTO"]


def test_what_loads_a_model_is_imported_before_the_clock_starts(tmp_path: Path) -> None:
    job = {
        "runtime": "torch",
        "model": "none",
        "manifest": "none.json",
        "threads": 1,
        "arguments": {},
        "state_pairs": {},
    }
    (tmp_path / "job.json").write_text(json.dumps(job))
    np.save(tmp_path / "frames.npy", np.zeros((1, 4, 4, 3), np.uint8))
    watching = """if True:
        import sys
        from pathlib import Path
        from bokehflow.benchmarks.latency.runner import measure
        def load(_):
            raise ValueError("imported" if "bokehflow.benchmarks.latency.eager" in sys.modules
                             else "not yet")
        measure.ENGINES["torch"] = load
        measure.measure(Path(sys.argv[1]), "times")
    """
    subprocess.run([sys.executable, "-c", watching, tmp_path], capture_output=True, check=True)
    assert json.loads((tmp_path / "times.json").read_text()) == {"error": "ValueError: imported"}


def test_first_frames_are_not_counted() -> None:
    assert mean_by_name({"a": [9.0, 1.0, 3.0], "b": [9.0]}, skip=1) == {"a": 2.0}
