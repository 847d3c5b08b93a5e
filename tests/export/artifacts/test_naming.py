"""Names of quantized artifacts: no two sources share one."""

from __future__ import annotations

from pathlib import Path

import pytest

from bokehflow.export import TARGETS, ExportConfig, as_target
from bokehflow.export.artifacts.naming import artifact_name, quantized_path
from bokehflow.export.targets import TARGET_FACTS
from bokehflow.layers.segments import TemporalConfig


@pytest.mark.parametrize("target", TARGETS)
def test_every_precision_of_a_target_has_a_quantized_name(target: str) -> None:
    names, precisions = set(), TARGET_FACTS[target].precisions
    for precision in precisions:
        config = ExportConfig(as_target(target), precision=precision)
        source = Path(artifact_name("nano", config, TemporalConfig()))
        names.add(quantized_path(source, target, precision, "int8").name)
    assert len(names) == len(precisions)


@pytest.mark.parametrize(
    ("source", "target", "precision", "quantized"),
    [
        ("a_fp32.onnx", "onnx", "fp32", "a_w8.onnx"),
        ("a_fp32_openvino", "openvino", "fp32", "a_w8_openvino"),
        ("a_fp16_openvino", "openvino", "fp16", "a_fp16_w8_openvino"),
        ("a_fp16.mlpackage", "coreml", "fp16", "a_w8.mlpackage"),
        ("renamed.onnx", "onnx", "fp32", "renamed_w8.onnx"),
    ],
)
def test_the_recipe_stands_in_the_precisions_place(
    source: str, target: str, precision: str, quantized: str
) -> None:
    path = Path("folder") / source
    assert quantized_path(path, target, precision, "w8") == Path("folder") / quantized
