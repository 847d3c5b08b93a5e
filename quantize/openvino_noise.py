"""A quantized OpenVINO graph that also measures, as `onnx_noise` does for ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np

from bokehflow.quantize.layers import NOISE, SCAN, SIGNAL, fusions
from bokehflow.quantize.openvino_graph import (
    MATRIX_PRODUCT,
    float_weight,
    is_in_float,
    layers_of,
    unquantized_input,
)


def add_noise_outputs(quantized: Any, original: Any, opset: Any) -> None:
    """Two numbers a quantized layer as further outputs, NOISE and SIGNAL and its name; in place."""
    sources = layers_of(original)
    for name, node in layers_of(quantized).items():
        if is_in_float(node):
            continue
        weight = opset.constant(float_weight(sources[name]))
        twin = _float_twin(opset, node, unquantized_input(node), weight)
        error = opset.subtract(node.output(0), twin)
        for label, value in ((NOISE, error), (SIGNAL, twin)):
            axes = opset.constant(list(range(len(value.output(0).get_shape()))))
            _add_output(quantized, opset, opset.reduce_sum(opset.multiply(value, value), axes),
                        f"{label}{name}")  # fmt: skip


def add_scan_outputs(model: Any, opset: Any) -> None:
    """Every block's scans as further outputs, SCAN and the fusion layer's name; in place."""
    layers = layers_of(model)
    for name in fusions(layers):
        # Twice the values: an output of their own needs an operation that is not simplified away,
        # and ratios of signal to noise do not mind.
        copy = opset.multiply(unquantized_input(layers[name]), opset.constant(np.float32(2.0)))
        _add_output(model, opset, copy, f"{SCAN}{name}")


def _float_twin(opset: Any, node: Any, x: Any, weight: Any) -> Any:
    """The same operation on other inputs."""
    facts = node.get_attributes()
    if node.get_type_name() == MATRIX_PRODUCT:
        return opset.matmul(x, weight, facts["transpose_a"], facts["transpose_b"])
    make = {"Convolution": opset.convolution, "GroupConvolution": opset.group_convolution}
    return make[node.get_type_name()](
        x,
        weight,
        facts["strides"],
        facts["pads_begin"],
        facts["pads_end"],
        facts["dilations"],
        facts["auto_pad"],
    )


def _add_output(model: Any, opset: Any, value: Any, name: str) -> None:
    value.output(0).get_tensor().set_names({name})
    model.add_results([opset.result(value)])
