"""8-bit matrix products in an ONNX graph, by NNCF, as quantize-dequantize pairs."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import onnx
from onnx import numpy_helper

from bokehflow.calibration.sample_set import SampleSet
from bokehflow.quantize.guard import MOVES
from bokehflow.quantize.nncf_access import quantized_by_nncf
from bokehflow.quantize.onnx_front import front_of, with_rest
from bokehflow.quantize.onnx_graph import (
    PRODUCT,
    copied,
    eight_bit_layers_of,
    initializers,
    layers_of,
    readers,
    remove_unused,
)


def quantize_layers(proto: onnx.ModelProto, samples: SampleSet) -> onnx.ModelProto:
    """A quantized copy: weights a scale a channel, activations one range a tensor.

    samples: what the model is fed; every one is run. Raises MissingDependencyError without NNCF.
    """
    layers, front = eight_bit_layers_of(proto), front_of(proto)
    others = [node.name for node in front.graph.node if node.name not in layers]
    quantized = with_rest(quantized_by_nncf(front, samples, others), proto)
    omit_zero_points(quantized)
    take_unsigned_codes(quantized)
    return quantized


def omit_zero_points(proto: onnx.ModelProto) -> None:
    """Leave out zero points by channel that are all zero, which is what leaving out means.

    ONNX Runtime 1.31 refuses to run a product with a stack of matrices that has them.
    """
    constants = initializers(proto)
    for node in proto.graph.node:
        if node.op_type == "DequantizeLinear" and len(node.input) == 3:
            zero_point = numpy_helper.to_array(constants[node.input[2]])
            if zero_point.ndim > 0 and not zero_point.any():
                del node.input[2]
    remove_unused(proto)


def take_unsigned_codes(proto: onnx.ModelProto) -> None:
    """Count the codes of activations from 0 to 255 instead of from -128: the same values.

    ONNX Runtime multiplies 8-bit weights by unsigned codes alone. It turns signed ones by itself
    only where a single layer reads them; others it would multiply in float.
    """
    constants = initializers(proto)
    users, values = readers(proto), {value.name: value for value in proto.graph.value_info}
    for node in proto.graph.node:
        if node.op_type != "QuantizeLinear" or len(node.input) < 3:
            continue
        zero_point = numpy_helper.to_array(constants[node.input[2]])
        if zero_point.dtype != np.int8:
            continue
        name, codes = f"{node.output[0]}.unsigned_zero", node.output[0]
        unsigned = (zero_point.astype(np.int16) - np.iinfo(np.int8).min).astype(np.uint8)
        proto.graph.initializer.append(numpy_helper.from_array(unsigned, name))
        for reader in (node, *users[codes]):
            reader.input[2:] = [name]
        if codes in values:
            values[codes].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    remove_unused(proto)


def subtract_biases(proto: onnx.ModelProto) -> None:
    """Take the negated bias from every 8-bit product in place of adding it: the same values.

    ONNX Runtime makes one operation of a product and a sum, which it computes in float.
    """
    constants = initializers(proto)
    made = {output: node for node in proto.graph.node for output in node.output}
    for node in proto.graph.node:
        if node.op_type != "Add":
            continue
        biases = [name for name in node.input if name in constants]
        products = [name for name in node.input if _is_8_bit_product(made.get(name), made)]
        if biases and products:
            negated = f"{biases[0]}.negated"
            if negated not in constants:
                values = -numpy_helper.to_array(constants[biases[0]])
                constants[negated] = numpy_helper.from_array(values, negated)
                proto.graph.initializer.append(constants[negated])
            node.op_type, node.input[:] = "Sub", [products[0], negated]
    remove_unused(proto)


def _is_8_bit_product(node: onnx.NodeProto | None, made: Mapping[str, onnx.NodeProto]) -> bool:
    if node is None or node.op_type != PRODUCT:
        return False
    source = made.get(node.input[0])
    while source is not None and source.op_type in MOVES:
        source = made.get(source.input[0])
    return source is not None and source.op_type == "DequantizeLinear"


def reverted(
    quantized: onnx.ModelProto, original: onnx.ModelProto, layers: Collection[str]
) -> onnx.ModelProto:
    """A copy of a quantized model in which some layers read their float inputs again."""
    result = copied(quantized)
    sources, constants = layers_of(original), initializers(original)
    present = set(initializers(result))
    for node in result.graph.node:
        if node.name not in layers:
            continue
        for i, name in enumerate(sources[node.name].input):
            node.input[i] = name
            if name in constants and name not in present:
                result.graph.initializer.append(constants[name])
                present.add(name)
    remove_unused(result)
    return result
