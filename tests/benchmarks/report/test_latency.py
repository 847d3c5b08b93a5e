"""Time and memory from rounds of the benchmark."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bokehflow.benchmarks.latency.record import SCHEMA, artifact_facts
from bokehflow.benchmarks.report.latency import Round, latency_of, read_latency
from bokehflow.errors import InputError
from bokehflow.export import Artifact
from tests.benchmarks.report.samples import manifest, quantized_by

FLOAT, INT8, OTHER = "a" * 64, "b" * 64, "c" * 64


def row(sha256: str, precision: str, p50_ms: float, runtime: str = "onnxruntime") -> dict[str, Any]:
    """One row of a record."""
    return {
        "artifact": artifact_facts(manifest(artifact_sha256=sha256, precision=precision)),
        "runtime": {"name": runtime, "threads": 2, "arguments": {}},
        "times": {"p50_ms": p50_ms, "p90_ms": p50_ms + 10.0},
        "memory": {"process_peak_bytes": int(p50_ms), "model_peak_bytes": None},
        "status": "ok",
        "reason": None,
        "host": {"processor": "a processor", "cpu_count": 2},
    }


def a_round(*rows: dict[str, Any]) -> Round:
    """Rows by artifact."""
    return Round({one["artifact"]["sha256"]: one for one in rows})


def artifact(sha256: str, source: str | None = None) -> Artifact:
    """One that has this hash, in float32 or in 8 bits. source: of what it was quantized."""
    precision = "fp32" if sha256 == FLOAT else "int8"
    quantization = quantized_by(source_sha256=source) if source else None
    facts = manifest(artifact_sha256=sha256, precision=precision, quantization=quantization)
    return Artifact(Path("a.onnx"), facts)


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


def test_a_packed_artifact_has_times_of_its_own() -> None:
    plain, packed = artifact(INT8), replace(artifact(INT8), packed=Path("a.zip"))
    rows = {"f.onnx": row(FLOAT, "fp32", 100.0), str(plain.given): row(INT8, "int8", 50.0),
            "a.zip": row(INT8, "int8", 80.0)}  # fmt: skip
    found = [latency_of(each, [Round(rows)], "") for each in (plain, packed)]
    assert [(one.p50_ms, one.time_ratio) for one in found] == [(50.0, 0.5), (80.0, 0.8)]


def test_another_runtime_is_no_twin() -> None:
    rounds = [a_round(row(FLOAT, "fp32", 100.0, "openvino"), row(INT8, "int8", 50.0))]
    assert latency_of(artifact(INT8), rounds, "").time_ratio is None


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("variant", "small"),
        ("weights_sha256", "0" * 64),
        ("frame_size", "64x96"),
        ("network_size", "64x96"),
        ("scan", "unrolled"),
        ("temporal", {"tsp": "off", "segments": 1}),
        ("render", {"quality": "best"}),
    ],
)
def test_another_model_size_or_setting_is_no_twin(fact: str, value: object) -> None:
    other = row(OTHER, "fp32", 1000.0)
    other["artifact"][fact] = value
    alone = a_round(other, row(INT8, "int8", 50.0))
    assert latency_of(artifact(INT8), [alone], "").time_ratio is None
    both = a_round(other, row(FLOAT, "fp32", 100.0), row(INT8, "int8", 50.0))
    assert latency_of(artifact(INT8), [both], "").time_ratio == 0.5


def test_the_twin_is_what_was_quantized_wherever_it_was_measured() -> None:
    source = row(FLOAT, "fp32", 100.0)
    del source["artifact"]["temporal"], source["artifact"]["render"]  # as in older records
    rounds = [a_round(row(OTHER, "fp32", 1000.0), source, row(INT8, "int8", 50.0))]
    assert latency_of(artifact(INT8, FLOAT), rounds, "").time_ratio == 0.5


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


@pytest.mark.parametrize("status", ["not run", "crashed"])
def test_a_record_may_hold_rows_without_times(tmp_path: Path, status: str) -> None:
    path = tmp_path / "benchmark.json"
    untimed = {"times": None, "memory": None, "status": status, "reason": "why"}
    rows = [row(FLOAT, "fp32", 100.0), row(INT8, "int8", 1.0) | untimed]
    path.write_text(json.dumps({"schema": SCHEMA, "rows": rows, "settings": {"iterations": 7}}))
    rounds, where = read_latency(path)
    found = latency_of(artifact(INT8), rounds, where)
    assert (found.how, found.reason, found.failed) == ("not run", "why", status == "crashed")
    assert latency_of(artifact(FLOAT), rounds, where).p50_ms == 100.0


def test_times_of_another_runtime_are_not_the_artifacts(tmp_path: Path) -> None:
    path = tmp_path / "benchmark.json"
    record: dict[str, Any] = {"schema": SCHEMA, "settings": {"iterations": 7}}
    record["rows"] = [row(FLOAT, "fp32", 3.0, "torch"), row(INT8, "int8", 50.0)]
    path.write_text(json.dumps(record))
    rounds, where = read_latency(path)
    found = latency_of(artifact(FLOAT), rounds, where)
    assert (found.how, found.reason) == ("not run", "the latency record is of torch")
    record["rows"] += [row(FLOAT, "fp32", 100.0)]
    path.write_text(json.dumps(record))
    assert latency_of(artifact(FLOAT), read_latency(path)[0], where).p50_ms == 100.0
    record["rows"] += [row(FLOAT, "fp32", 90.0)]
    path.write_text(json.dumps(record))
    with pytest.raises(InputError, match="twice"):
        read_latency(path)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("times", {"p50_ms": "3"}),
        ("times", {"p50_ms": -5.0}),
        ("times", {"p90_ms": None}),
        ("memory", {"process_peak_bytes": "much"}),
    ],
    ids=str,
)
def test_times_that_nothing_takes_are_refused(
    tmp_path: Path, part: str, change: dict[str, object]
) -> None:
    path = tmp_path / "benchmark.json"
    made = row(FLOAT, "fp32", 100.0)
    made[part] |= change
    path.write_text(json.dumps({"schema": SCHEMA, "rows": [made], "settings": {"iterations": 7}}))
    with pytest.raises(InputError, match=r"benchmark\.json cannot be read: p|run `bfx benchmark"):
        read_latency(path)


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
