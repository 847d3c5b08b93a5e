"""Small things that every pass over an OpenVINO graph needs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bokehflow.quantize.layers import is_quantizable, may_store_8_bits
from bokehflow.quantize.onnx_weights import symmetric_int8

MATRIX_PRODUCT = "MatMul"
DEPTHWISE = "GroupConvolution"
LAYER_KINDS = (MATRIX_PRODUCT, "Convolution", DEPTHWISE)


def layers_of(model: Any) -> dict[str, Any]:
    """The layers whose weights may be quantized, by name, in the order of the graph."""
    return {
        node.friendly_name: node
        for node in model.get_ordered_ops()
        if node.get_type_name() in LAYER_KINDS
        and is_quantizable(node.friendly_name)
        and is_constant(node.input_value(1).get_node())
    }


def eight_bit_layers_of(model: Any) -> dict[str, Any]:
    """The layers that may compute in 8 bits, by name: all of `layers_of` but the depthwise ones.

    Those OpenVINO computes in float (2026.4), behind a quantizer that costs time and accuracy.
    """
    layers = layers_of(model)
    return {name: node for name, node in layers.items() if node.get_type_name() != DEPTHWISE}


def is_constant(node: Any) -> bool:
    """Whether a node's value depends on constants alone."""
    if node.get_type_name() == "Constant":
        return True
    inputs = node.input_values()
    return bool(inputs) and all(is_constant(value.get_node()) for value in inputs)


def float_weight(node: Any) -> NDArray[np.float32]:
    """The weight of a layer that is not quantized: a constant, or one that is only reshaped."""
    source = node.input_value(1)
    shape = tuple(source.get_shape())
    constant = source.get_node()
    while constant.get_type_name() != "Constant":
        constant = constant.input_value(0).get_node()
    return np.asarray(constant.get_data(), dtype=np.float32).reshape(shape)


def is_in_float(node: Any) -> bool:
    """Whether neither what a layer reads nor its weight was quantized."""
    weight = node.input_value(1).get_node()
    while weight.get_type_name() == "Reshape":
        weight = weight.input_value(0).get_node()
    if weight.get_type_name() != "Constant" or not weight.get_element_type().is_real():
        return False
    return bool(node.input_value(0).get_node().get_type_name() != "FakeQuantize")


def unquantized_input(node: Any) -> Any:
    """The output that a layer reads, less the quantizer in between."""
    source = node.input_value(0)
    while source.get_node().get_type_name() == "FakeQuantize":
        source = source.get_node().input_value(0)
    return source


def store_weights_in_8_bits(model: Any, opset: Any) -> None:
    """Store float weights that are constants of their own in 8 bits; changes the model in place.

    They are multiplied by their scales when a device compiles the model.
    """
    for node in model.get_ordered_ops():
        if node.get_type_name() not in LAYER_KINDS or not may_store_8_bits(node.friendly_name):
            continue
        constant = node.input_value(1).get_node()
        if constant.get_type_name() != "Constant" or constant.get_element_type().is_integral():
            continue
        weight = np.asarray(constant.get_data(), dtype=np.float32)
        codes, scale = symmetric_int8(weight, _input_axes(node, weight.ndim))
        unpacked = opset.multiply(
            opset.convert(opset.constant(codes), "f32"), opset.constant(scale)
        )
        unpacked.friendly_name = f"{node.friendly_name}/scale"
        node.input(1).replace_source_output(unpacked.output(0))


def _input_axes(node: Any, rank: int) -> tuple[int, ...]:
    if node.get_type_name() != MATRIX_PRODUCT:
        return tuple(range(1, rank))
    return (rank - 1,) if node.get_attributes()["transpose_b"] else (rank - 2,)
