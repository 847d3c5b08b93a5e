"""A quantized ONNX graph that also measures: each layer's own noise, and what its scans gave."""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

from bokehflow.quantize.layers import NOISE, SCAN, SIGNAL, fusions
from bokehflow.quantize.onnx_graph import copied, initializers, layers_of


def with_noise_outputs(quantized: onnx.ModelProto, original: onnx.ModelProto) -> onnx.ModelProto:
    """A copy that has two numbers a layer as further outputs: NOISE and SIGNAL and its name.

    Beside every quantized layer stands its float form, on the same unquantized inputs; SIGNAL is
    the sum of squares of what that gives, NOISE of the difference from it.
    """
    result = copied(quantized)
    sources, constants = layers_of(original), initializers(original)
    present = set(initializers(result))
    for name, node in layers_of(quantized).items():
        twin = onnx.NodeProto()
        twin.CopyFrom(sources[name])
        if list(twin.input) == list(node.input):
            continue
        twin.name, twin.output[0] = f"{name}/float", f"{name}.float"
        for constant in set(twin.input) & set(constants) - present:
            result.graph.initializer.append(constants[constant])
            present.add(constant)
        difference = helper.make_node("Sub", [node.output[0], twin.output[0]], [f"{name}.error"])
        result.graph.node.extend([twin, difference])
        for label, value in ((NOISE, f"{name}.error"), (SIGNAL, twin.output[0])):
            power = helper.make_node("ReduceSumSquare", [value], [f"{label}{name}"], keepdims=0)
            result.graph.node.append(power)
            result.graph.output.append(
                helper.make_tensor_value_info(f"{label}{name}", TensorProto.FLOAT, [])
            )
    return result


def with_scan_outputs(model: onnx.ModelProto, original: onnx.ModelProto) -> onnx.ModelProto:
    """A copy that has every block's scans as further outputs, SCAN and the fusion layer's name."""
    result = copied(model)
    kinds = {value.name: value.type for value in original.graph.value_info}
    layers = layers_of(original)
    for name in fusions(layers):
        read = layers[name].input[0]
        result.graph.node.append(helper.make_node("Identity", [read], [f"{SCAN}{name}"]))
        result.graph.output.append(helper.make_value_info(f"{SCAN}{name}", kinds[read]))
    return result
