"""Small things that every pass over an ONNX graph needs."""

from __future__ import annotations

from collections.abc import Iterable

import onnx

from bokehflow.quantize.layers import is_quantizable, may_store_8_bits

PRODUCT = "MatMul"
LAYER_KINDS = (PRODUCT, "Conv")


def layers_of(proto: onnx.ModelProto) -> dict[str, onnx.NodeProto]:
    """The layers whose weights may be quantized, by name: a constant, as it is or quantized."""
    constant = constant_values(proto)
    return {
        node.name: node
        for node in proto.graph.node
        if node.op_type in LAYER_KINDS and is_quantizable(node.name) and node.input[1] in constant
    }


def eight_bit_layers_of(proto: onnx.ModelProto) -> dict[str, onnx.NodeProto]:
    """The layers that may compute in 8 bits, by name: the matrix products of `layers_of`.

    ONNX Runtime gives 8-bit products out as floats. It has no such convolution: those with 8-bit
    inputs it computes in float behind a quantizer that costs time and accuracy alike.
    """
    return {name: node for name, node in layers_of(proto).items() if node.op_type == PRODUCT}


def weighted_nodes(proto: onnx.ModelProto) -> list[onnx.NodeProto]:
    """The nodes whose second input is a constant that may be stored in 8 bits."""
    constants = initializers(proto)
    return [
        node
        for node in proto.graph.node
        if node.op_type in (*LAYER_KINDS, "Gemm")
        and may_store_8_bits(node.name)
        and node.input[1] in constants
    ]


def copied(proto: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of all of it."""
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    return copy


def constant_values(proto: onnx.ModelProto) -> set[str]:
    """Names of constants and of what is computed from constants alone."""
    found = set(initializers(proto))
    for node in proto.graph.node:
        if node.input and all(name in found for name in node.input if name):
            found.update(node.output)
    return found


def initializers(proto: onnx.ModelProto) -> dict[str, onnx.TensorProto]:
    """Constants by name."""
    return {tensor.name: tensor for tensor in proto.graph.initializer}


def readers(proto: onnx.ModelProto) -> dict[str, list[onnx.NodeProto]]:
    """For every value, the nodes that read it."""
    found: dict[str, list[onnx.NodeProto]] = {}
    for node in proto.graph.node:
        for name in node.input:
            found.setdefault(name, []).append(node)
    return found


def remove_unused(proto: onnx.ModelProto) -> None:
    """Drop nodes and constants that no output depends on; changes the model in place."""
    needed = {value.name for value in proto.graph.output}
    kept = []
    for node in reversed(proto.graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    _replace(proto.graph.node, reversed(kept))
    _replace(proto.graph.initializer, [t for t in proto.graph.initializer if t.name in needed])
    alive = {output for node in kept for output in node.output}
    _replace(proto.graph.value_info, [v for v in proto.graph.value_info if v.name in alive])


def _replace(field: object, items: Iterable[object]) -> None:
    """Give a repeated protobuf field other contents, which may be taken from itself."""
    copies = list(items)
    del field[:]  # type: ignore[attr-defined]
    field.extend(copies)  # type: ignore[attr-defined]
