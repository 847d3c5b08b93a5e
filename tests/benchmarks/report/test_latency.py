"""Time and memory from rounds of the benchmark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bokehflow.benchmarks.latency.record import SCHEMA
from bokehflow.benchmarks.report.latency import Round, latency_of, read_latency
from bokehflow.errors import InputError
from bokehflow.export import Artifact
from tests.benchmarks.report.samples import manifest

FLOAT, INT8, OTHER = "a" * 64, "b" * 64, "c" * 64


def row(sha256: str, precision: str, p50_ms: float, runtime: str = "onnxruntime") -> dict[str, Any]:
    """One row of a record."""
    return {
        "artifact": {"sha256": sha256, "precision": precision, "network_size": "288x512"},
        "runtime": {"name": runtime, "threads": 2},
        "times": {"p50_ms": p50_ms, "p90_ms": p50_ms + 10.0},
        "memory": {"process_peak_bytes": int(p50_ms), "model_peak_bytes": None},
        "status": "ok",
        "reason": None,
        "host": {"processor": "a processor", "cpu_count": 2},
    }


def a_round(*rows: dict[str, Any]) -> Round:
    """Rows by artifact."""
    return Round({one["artifact"]["sha256"]: one for one in rows})


def artifact(sha256: str) -> Artifact:
    """One that has this hash."""
    return Artifact(Path("a.onnx"), manifest(artifact_sha256=sha256))


def test_the_ratio_is_taken_within_each_round() -> None:
    # The machine slowed down threefold between the rounds; within each the ratio is a half.
    rounds = [
        a_round(row(FLOAT, "fp32", 100.0), row(INT8, "int8", 50.0)),
        a_round(row(FLOAT, "fp32", 300.0), row(INT8, "int8", 150.0)),
        a_round(row(FLOAT, "fp32", 110.0), row(INT8, "int8", 55.0)),
    ]
    found = latency_of(artifact(INT8), rounds, "here")
    assert (found.how, found.time_ratio, found.where) == ("measured", 0.5, "here")
    assert (found.p50_ms, found.p90_ms) == (55.0, 65.0)
    assert found.process_peak_bytes == 150
    assert found.model_peak_bytes is None
    assert latency_of(artifact(FLOAT), rounds, "here").time_ratio is None


def test_another_runtime_is_no_twin() -> None:
    rounds = [a_round(row(FLOAT, "fp32", 100.0, "openvino"), row(INT8, "int8", 50.0))]
    assert latency_of(artifact(INT8), rounds, "").time_ratio is None


def test_what_was_not_measured_says_why() -> None:
    failed = row(INT8, "int8", 1.0) | {"times": None, "status": "crashed", "reason": "signal 11"}
    rounds = [a_round(row(FLOAT, "fp32", 100.0), failed)]
    assert latency_of(artifact(INT8), rounds, "").reason == "signal 11"
    absent = latency_of(artifact(OTHER), rounds, "")
    assert (absent.how, absent.p50_ms) == ("not run", None)
    assert "does not hold it" in str(absent.reason)


def test_a_record_of_bfx_benchmark_is_one_round(tmp_path: Path) -> None:
    path = tmp_path / "benchmark.json"
    rows = [row(FLOAT, "fp32", 100.0)]
    path.write_text(json.dumps({"schema": SCHEMA, "rows": rows, "settings": {"iterations": 7}}))
    rounds, where = read_latency(path)
    assert latency_of(artifact(FLOAT), rounds, where).p50_ms == 100.0
    assert where == "a processor, 2 CPUs, 2 threads, 7 frames, median of 1 round"


@pytest.mark.parametrize(
    "text",
    ["no JSON", "[]", "{}", json.dumps({"schema": "other/1"})],
    ids=["text", "list", "no schema", "other schema"],
)
def test_anything_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "benchmark.json"
    path.write_text(text)
    with pytest.raises(InputError, match="bfx benchmark"):
        read_latency(path)
