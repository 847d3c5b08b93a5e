"""8-bit weights in an ONNX graph: integers and scales in place of floats, a scale a channel."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from bokehflow.quantize.codes import INT8_MAX
from bokehflow.quantize.onnx_graph import initializers, remove_unused, weighted_nodes


def quantize_weights(proto: onnx.ModelProto) -> list[str]:
    """Store in 8 bits what `onnx_graph.weighted_nodes` finds; changes the model in place.

    Computation stays in float: engines unpack such constants once, when they load the model.
    Returns the nodes' names.
    """
    constants = initializers(proto)
    changed = []
    for node in weighted_nodes(proto):
        weight = numpy_helper.to_array(constants[node.input[1]])
        codes, scale = symmetric_int8(weight, _input_axes(node, weight.ndim))
        _unpack(proto, node, codes, scale)
        changed.append(node.name)
    remove_unused(proto)
    return changed


def symmetric_int8(
    weight: NDArray[np.float32], axes: tuple[int, ...]
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Codes in -127..127 and scales that broadcast; codes x scale is the weight.

    axes: those that are summed over, which share a scale.
    """
    largest = np.abs(weight).max(axis=axes, keepdims=True)
    scale = np.where(largest > 0, largest / INT8_MAX, 1.0).astype(np.float32)
    return np.round(weight / scale).astype(np.int8), scale


def _input_axes(node: onnx.NodeProto, rank: int) -> tuple[int, ...]:
    if node.op_type == "Conv":
        return tuple(range(1, rank))
    transposed = any(a.name == "transB" and a.i for a in node.attribute)
    return (rank - 1,) if transposed else (rank - 2,)


def _unpack(
    proto: onnx.ModelProto,
    node: onnx.NodeProto,
    codes: NDArray[np.int8],
    scale: NDArray[np.float32],
) -> None:
    """Give a node its weight as float(codes) x scale; a product, because a stack of matrices has
    more scales than DequantizeLinear has axes for."""
    stem = f"{node.input[1]}.{node.name}"
    proto.graph.initializer.extend(
        [
            numpy_helper.from_array(codes, f"{stem}.int8"),
            numpy_helper.from_array(scale, f"{stem}.scale"),
        ]
    )
    cast = helper.make_node(
        "Cast", [f"{stem}.int8"], [f"{stem}.codes"], f"{node.name}/cast", to=onnx.TensorProto.FLOAT
    )
    multiply = helper.make_node(
        "Mul", [f"{stem}.codes", f"{stem}.scale"], [f"{stem}.float"], f"{node.name}/scale"
    )
    node.input[1] = multiply.output[0]
    proto.graph.node.insert(0, multiply)
    proto.graph.node.insert(0, cast)
