"""8-bit values are followed through what only moves them, and found where they are not to be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bokehflow.errors import CheckError
from bokehflow.quantize.coreml_package import check_quantizers as check_coreml
from bokehflow.quantize.guard import reached_layers
from bokehflow.quantize.openvino_guard import check_quantizers as check_openvino

READERS = {
    "quantizer": ("turned", "layer 2"),
    "turned": ("cut", "layer 1"),
    "cut": ("layer 2",),
    "other quantizer": ("cut",),
}
KINDS = {"turned": "Transpose", "cut": "StridedSlice"}
LAYER = "network.blocks.0.scan.project.0/matmul_1"
CONSTANT = "p_network_blocks_0_scan_project_0_weight_quantized"
WEIGHT = np.ones((300, 4), np.float32)


def reached(*layers: str) -> list[str]:
    """Of a graph of names."""
    return reached_layers(
        ["quantizer", "other quantizer"],
        layers,
        lambda name: READERS.get(name, ()),
        lambda name: (name, KINDS.get(name, "MatMul")),
    )


def test_every_layer_behind_a_quantizer_is_named_once() -> None:
    assert reached("layer 1", "layer 2", "layer 3") == ["layer 1", "layer 2"]


def test_what_may_not_read_8_bits_is_told_with_where_they_come_from() -> None:
    with pytest.raises(CheckError, match=r"enters layer 2 \(MatMul\), from quantizer; expected"):
        reached("layer 1")


def openvino_model(reader: str) -> Any:
    """A layer behind a quantizer, and another reader of the same values."""
    openvino = pytest.importorskip("openvino")
    op = openvino.opset13
    x = op.parameter([2, 300], np.float32, name="x")
    ends = [op.constant(np.float32(value)) for value in (-1.0, 1.0, -1.0, 1.0)]
    quantized = op.fake_quantize(x, *ends, 255, name="x/quantizer")
    turned = op.transpose(quantized, op.constant([0, 1]))
    layer = op.matmul(turned, op.constant(WEIGHT), False, False, name=LAYER)
    other = op.matmul(turned, op.constant(WEIGHT), False, False, name=reader)
    return openvino.Model([op.result(layer), op.result(other)], [x])


def test_openvino_is_looked_through() -> None:
    second = LAYER.replace("matmul_1", "matmul_2")
    assert check_openvino(openvino_model(second)) == [LAYER, second]
    with pytest.raises(CheckError, match=r"enters renderer/mm \(MatMul\), from x/quantizer;"):
        check_openvino(openvino_model("renderer/mm"))


def coreml_program(*, stray: bool) -> Any:
    """The same of Core ML."""
    coremltools = pytest.importorskip("coremltools")
    builder = coremltools.converters.mil.Builder

    @builder.program(
        input_specs=[builder.TensorSpec(shape=(2, 300))],
        opset_version=coremltools.target.iOS17,
    )
    def program(x: Any) -> Any:
        scale = np.float32(0.1)
        codes = builder.quantize(input=x, scale=scale, output_dtype="int8")
        read = builder.dequantize(input=codes, scale=scale, name="x_read")
        weight = builder.const(val=WEIGHT, name=CONSTANT)
        layer = builder.matmul(x=read, y=weight)
        return (layer, builder.relu(x=read, name="ramp")) if stray else layer

    return program


def test_core_ml_is_looked_through() -> None:
    assert check_coreml(coreml_program(stray=False)) == [CONSTANT]
    with pytest.raises(CheckError, match=r"enters ramp \(relu\), from x_read;"):
        check_coreml(coreml_program(stray=True))
