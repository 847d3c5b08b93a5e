"""What the suite measures, and the bars it is held to."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import pytest

from bokehflow.benchmarks.checks import bar_facts
from bokehflow.benchmarks.suite.bars import all_bars
from bokehflow.benchmarks.suite.cases import ModelSpec, all_cases, auto_scan
from bokehflow.export.lowering.choice import LOWERINGS

FIT_FOR_A_FILE = set(string.ascii_letters + string.digits + "_-.")


def test_every_row_has_a_key_of_its_own() -> None:
    keys = [case.key for case in all_cases()]
    assert len(keys) == len(set(keys))
    assert all(set(key) <= FIT_FOR_A_FILE for key in keys)


def test_every_lowering_has_a_row_for_every_target_and_thread_count() -> None:
    mobile = [case for case in all_cases() if case.group == "mobile profile"]
    rows = {(c.model.scan, c.model.target, c.settings.threads) for c in mobile}
    for lowering in LOWERINGS:
        assert {(lowering.name, lowering.target, threads) for threads in (1, 2)} <= rows


def row(**changes: Any) -> dict[str, Any]:
    """A row that was measured, of the ONNX artifact's mobile profile on two threads."""
    p50_ms, peak = changes.pop("p50_ms", 100.0), changes.pop("peak", 10**9)
    return {
        "group": "mobile profile",
        "model": "artifact",
        "target": "onnx",
        "scan": auto_scan("onnx"),
        "runtime": "onnxruntime",
        "threads": 2,
        "arguments": {},
        "frame_size": "720x1280",
        "status": "ok",
        "times": {"p50_ms": p50_ms, "fps": 1e3 / p50_ms},
        "memory": {"process_peak_bytes": peak, "device_peak_bytes": None},
        "export_s": 20.0,
        "nodes": 1000,
        "host": {"gpu": None},
        **changes,
    }


def found(rows: list[dict[str, Any]], name: str) -> float | None:
    (bar,) = [bar for bar in all_bars(rows) if bar.name.startswith(name)]
    assert (bar.found is None) == (bar.why_not is not None)
    return bar.found


def test_nothing_run_is_nothing_judged() -> None:
    assert [bar.holds for bar in all_bars([])] == [None] * len(all_bars([]))


def test_an_artifact_is_held_to_its_own_floor_on_two_threads() -> None:
    floor = {"model": "floor", "scan": "none"}
    rows = [row(p50_ms=150.0), row(p50_ms=100.0, **floor), row(p50_ms=10.0, threads=1, **floor)]
    assert found(rows, "onnxruntime, times its scan-free floor") == 1.5
    assert found(rows, "openvino, times its scan-free floor") is None


def test_openvino_is_compared_at_the_hint_that_is_best_for_it() -> None:
    of = {"target": "openvino", "runtime": "openvino", "scan": auto_scan("openvino")}
    floor = {**of, "model": "floor", "scan": "none"}
    fp32, bf16 = {"arguments": {"precision": "fp32"}}, {"arguments": {"precision": "bf16"}}
    rows = [row(p50_ms=90.0, **of, **fp32), row(p50_ms=60.0, **of, **bf16),
            row(p50_ms=50.0, **floor, **fp32), row(p50_ms=30.0, **floor, **bf16)]  # fmt: skip
    assert found(rows, "openvino, times its scan-free floor") == 2.0
    wandered = row(p50_ms=70.0, **floor, **bf16)
    assert found([*rows[:3], wandered], "openvino, times its scan-free floor") == 1.2


def test_eager_is_compared_with_the_faster_engine_and_only_with_what_auto_makes() -> None:
    eager = row(runtime="torch", scan="chunked", p50_ms=900.0)
    others = {each.name for each in LOWERINGS if each.target == "onnx"} - {auto_scan("onnx")}
    rows = [eager, row(p50_ms=150.0), *(row(p50_ms=1.0, scan=other) for other in others)]
    assert found(rows, "faster engine, times as fast as eager") == 6.0


@pytest.mark.parametrize(("slow_ms", "spread"), [(400.0, 1.0), (600.0, 1.5)])
def test_cost_is_linear_in_pixels(slow_ms: float, spread: float) -> None:
    group = {"group": "full network size"}
    rows = [row(frame_size="100x100", p50_ms=100.0, **group),
            row(frame_size="200x200", p50_ms=slow_ms, **group)]  # fmt: skip
    assert found(rows, "onnxruntime, time against pixels") == pytest.approx(spread)


def test_cost_against_pixels_is_not_judged_where_a_size_is_missing() -> None:
    group = {"group": "full network size"}
    rows = [row(frame_size=size, p50_ms=ms, **group) for size, ms in (("9x9", 1.0), ("18x18", 4.0))]
    assert found(rows, "onnxruntime, time against pixels") == 1.0
    crashed = row(frame_size="90x90", status="crashed", times=None, **group)
    assert found([*rows, crashed], "onnxruntime, time against pixels") is None


@pytest.mark.parametrize(("gpu", "fps"), [("NVIDIA H100 PCIe", 500.0), ("NVIDIA RTX 4090", None)])
def test_the_speed_of_an_h100_is_that_of_one(gpu: str, fps: float | None) -> None:
    rows = [row(group="CUDA", frame_size="720x1280", p50_ms=2.0, host={"gpu": gpu})]
    assert found(rows, "GPU, 720p, full network size") == fps
    (bar,) = [bar for bar in all_bars(rows) if bar.name.startswith("GPU, 720p")]
    assert bar.why_not == (None if fps else "run on NVIDIA RTX 4090, not an H100")


def test_memory_is_that_of_1080p() -> None:
    rows = [row(group="full network size", frame_size="1080x1920", peak=1_700_000_000)]
    assert found(rows, "onnxruntime, process memory at 1080p") == 1.7


def test_memory_of_a_gpu_says_whose_it_is() -> None:
    def on_gpu(runtime: str, peak: int) -> dict[str, Any]:
        memory = {"process_peak_bytes": 1, "device_peak_bytes": peak}
        return row(group="CUDA", frame_size="1080x1920", runtime=runtime, memory=memory)

    rows = [on_gpu("onnxruntime", 900_000_000), on_gpu("torch", 300_000_000)]
    name = "GPU, memory at 1080p, leaner runtime (torch: allocated by PyTorch)"
    assert found(rows, name) == 0.3


def test_a_failed_row_is_no_measurement() -> None:
    rows = [row(status="crashed", times=None, memory=None, group="network part",
                model="network part")]  # fmt: skip
    assert found(rows, "network part, faster engine, goal") is None


def test_nodes_are_counted_with_the_renderer_and_without() -> None:
    network = {"group": "network part", "model": "network part"}
    rows = [row(nodes=2400, scan="chunked"), row(nodes=1400, scan="chunked", **network),
            row(nodes=900, **network), row(nodes=7, scan="chunked", runtime="torch")]  # fmt: skip
    assert found(rows, "nodes of the chunked ONNX graph, network part") == 1400
    assert found(rows, "nodes of the chunked ONNX graph, with the renderer") == 2400
    assert found(rows[1:], "nodes of the chunked ONNX graph, with the renderer") is None


def test_models_are_named_apart() -> None:
    one = ModelSpec("artifact", "onnx", "chunked")
    assert one.name != ModelSpec("floor", "onnx", "chunked").name


def test_the_recorded_bars_are_those_of_the_recorded_rows() -> None:
    results = Path(__file__).parents[3] / "benchmarks" / "results" / "latency.json"
    document = json.loads(results.read_text(encoding="utf-8"))
    assert [bar_facts(bar) for bar in all_bars(document["rows"])] == document["bars"]
