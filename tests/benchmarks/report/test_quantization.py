"""What a recipe recorded, read from the file beside the artifact."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest

from bokehflow.benchmarks.report.quantization import quantization_of
from bokehflow.benchmarks.report.recorded_tables import recorded_tables
from bokehflow.errors import InputError
from bokehflow.export import Artifact
from bokehflow.export.artifacts.naming import record_path
from bokehflow.quantize.record import SCHEMA_VERSION
from tests.benchmarks.report.samples import int8_row, manifest, quantized_by


def quantized(folder: Path) -> Artifact:
    """An artifact that says that it was quantized."""
    facts = manifest(precision="int8", quantization=quantized_by())
    return Artifact(folder / "a.onnx", facts)


def record(**changes: Any) -> dict[str, Any]:
    """What `bfx quantize` writes, as far as a report reads it."""
    span = {"min": -1.5, "max": 12.0, "rms": 0.5, "quantile_0.999": 4.0, "outlier_ratio": 3.0}
    gates = {"alpha_near_1": 0.5, "beta_near_0": 0.25, "beta_near_1": 0.0}
    fields = {
        "schema_version": SCHEMA_VERSION,
        "artifact": {"sha256": "2" * 64},
        "source": {"file": "source.onnx"},
        "seconds": 12.3,
        "calibration": {
            "sha256": "4" * 64,
            "samples": 8,
            "source": "packaged",
            "seed": 0,
            "left_out": ["bad.jpg: no picture"],
            "statistics": {
                "gates": {"blocks.0.scan": gates},
                "layer_inputs": {"calm": span | {"outlier_ratio": 1.0}, "wild": span},
                "state_growth": [{"frame": 31, "samples": 2, "norms": [1.0, 3.0, 5.0, 9.0]}],
            },
        },
        "held_out": {
            "scenes": ["portrait"],
            "drop_db": 0.1,
            "parity_db": 41.0,
            "limits": {"max_drop_db": 0.3, "parity_db": 40.0},
            "met": True,
        },
        "quantized_layers": ["a/conv_1"],
        "layers": [
            {"layer": "b/conv_1", "sqnr_db": 10.0, "float": True},
            {"layer": "a/conv_1", "sqnr_db": 30.0, "float": False},
        ],
        "scans": None,
        "drift": [{"frame": 1, "source_norm": 1.0, "norm": 1.1, "sqnr_db": 20.0}],
    }
    return fields | changes


def test_a_record_is_read(tmp_path: Path) -> None:
    artifact = quantized(tmp_path)
    record_path(artifact.path).write_text(json.dumps(record()))
    found = quantization_of(artifact)
    assert found is not None
    assert [(one.layer, one.kept_float) for one in found.layers] == [
        ("b/conv_1", True),
        ("a/conv_1", False),
    ]
    assert found.scans == ()
    assert found.drift[0].norm == 1.1
    assert found.gates[0].beta_near_0 == 0.25
    assert [one.layer for one in found.inputs] == ["calm", "wild"]
    assert found.growth[0].norms == (1.0, 3.0, 5.0, 9.0)
    assert found.facts["layers left in float"] == "1"
    assert found.facts["its limits"] == "met"
    assert "bad.jpg" in found.facts["calibration, left out"]


def test_layers_whose_weights_alone_are_quantized_compute_in_float(tmp_path: Path) -> None:
    artifact = quantized(tmp_path)
    for layers, wanted in (["a/conv_1"], "8 bits"), ([], "float, on quantized weights"):
        record_path(artifact.path).write_text(json.dumps(record(quantized_layers=layers)))
        row = dataclasses.replace(int8_row(), quantization=quantization_of(artifact))
        assert [line[2] for line in recorded_tables(row)[0].rows] == ["float", wanted]


def test_what_calibration_saw_is_listed() -> None:
    tables = {table.title.partition(" during")[0]: table for table in recorded_tables(int8_row())}
    assert [row[0] for row in tables["Inputs of layers"].rows] == ["wild", "calm"]
    assert tables["Carried state"].rows == [("1", "8", "11.00", "25.00")]


def test_no_record_is_said_and_no_quantization_is_none(tmp_path: Path) -> None:
    found = quantization_of(quantized(tmp_path))
    assert found is not None
    assert "does not lie beside" in found.facts["record"]
    assert quantization_of(Artifact(tmp_path / "a.onnx", manifest())) is None


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "{}",
        json.dumps(record(schema_version=99)),
        json.dumps(record(artifact={"sha256": "9" * 64})),
        json.dumps(record(layers=[{}])),
        json.dumps(record(layers=[{"layer": "a", "sqnr_db": "30", "float": True}])),
        json.dumps(record(layers=[{"layer": "a", "sqnr_db": math.inf, "float": True}])),
        json.dumps(record(drift=[{"frame": 1, "source_norm": 1.0, "norm": None, "sqnr_db": 1.0}])),
        json.dumps(
            record(scans=[{"layer": "a", "sqnr_db": 1, "by_direction": {}, "by_position": [1]}])
        ),
        "[" * 200_000,
    ],
    ids=[
        "text",
        "empty",
        "schema",
        "other artifact",
        "damaged",
        "text for a figure",
        "infinite",
        "no figure",
        "no directions",
        "deep",
    ],
)
def test_a_record_that_does_not_belong_is_refused(tmp_path: Path, text: str) -> None:
    artifact = quantized(tmp_path)
    record_path(artifact.path).write_text(text)
    with pytest.raises(InputError, match="run `bfx quantize` again"):
        quantization_of(artifact)
