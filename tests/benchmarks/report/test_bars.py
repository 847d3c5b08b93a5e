"""The bars of a row, and which rows have which."""

from __future__ import annotations

import pytest

from bokehflow.benchmarks.report.bars import check_bars
from bokehflow.benchmarks.report.document import Latency
from tests.benchmarks.report.samples import int8_row, manifest, quantized_by, reference_row

QUANTIZED = {"precision": "int8", "quantization": quantized_by()}


def names(file_bytes: int = 1_500_000, **changes: object) -> dict[str, bool]:
    """Which bars an artifact is held to, and whether they hold."""
    row, reference = int8_row(), reference_row()
    latency = Latency("measured", p50_ms=80.0, time_ratio=1.2)
    truths = (row.truth, reference.truth)
    checks = check_bars(manifest(**changes), file_bytes, row.film, truths, latency)
    return {check.name: check.holds for check in checks}


def test_a_float_artifact_is_held_to_parity_alone() -> None:
    assert names() == {"bokeh against the reference, worst frame, dB": True}


@pytest.mark.parametrize("target", ["onnx", "openvino"])
def test_a_quantized_one_is_held_to_all(target: str) -> None:
    found = names(target=target, **QUANTIZED)
    assert found["bokeh lost against truth, dB"] is False
    assert found["AbsRel over the reference's"] is True
    assert found["file, MB"] is True
    assert ("time over float32 on the same runtime" in found) == (target == "openvino")


def test_a_file_that_is_too_large_misses_its_bar() -> None:
    assert names(1_700_000, **QUANTIZED)["file, MB"] is False


def test_what_was_not_run_is_no_bar() -> None:
    unknown = check_bars(manifest(**QUANTIZED), 1, None, (None, None), Latency("not run"))
    assert [check.name for check in unknown] == ["file, MB"]
