"""An ONNX file as a `Graph`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from bokehflow.errors import ArtifactError
from bokehflow.runtimes.hazards.graph import Graph, Node, Value, canonical

_STANDARD = ("", "ai.onnx")
"""Domains of operators that ONNX itself defines."""


def read_onnx(path: Path) -> Graph:
    """Raises ArtifactError for a file that is not ONNX, or damaged."""
    try:
        graph = _graph(onnx.load(path))
    # protobuf's own error, which has no typed home; and in a file that it can read, a damaged byte
    # may be in a name, a type, a shape or a value, each of which has an error of its own.
    except Exception as error:
        raise ArtifactError(f"{path} cannot be read as ONNX ({error})", "an ONNX file") from error
    if not graph.nodes:  # an empty file is a message without anything in it
        raise ArtifactError(f"{path} holds no graph", "an ONNX model")
    return graph


def _graph(model: onnx.ModelProto) -> Graph:
    graph = onnx.shape_inference.infer_shapes(model).graph
    for node in graph.node:
        _require_texts((node.op_type, node.name, *node.input, *node.output))
    weights = {tensor.name: _array(tensor) for tensor in graph.initializer}
    made = (node for node in graph.node if _is_constant(node))
    constants = {**weights, **{node.output[0]: _constant(node) for node in made}}
    known = {value.name: _value(value) for value in (*graph.value_info, *graph.output)}
    return Graph(
        "onnx",
        tuple(
            Node(
                node.name or next(filter(None, node.output), ""),
                canonical(node.op_type),
                tuple(name for name in node.input if name not in constants),
                _constants(node, constants),
                tuple(known.get(name, Value(name, None, "")) for name in node.output if name),
                domain="" if node.domain in _STANDARD else node.domain,
            )
            for node in graph.node
            if not _is_constant(node)
        ),
        # Old files name their weights among the inputs too.
        tuple(_value(value) for value in graph.input if value.name not in weights),
    )


def _require_texts(names: Iterable[str]) -> None:
    # protobuf gives bytes where a text is not UTF-8.
    if not all(isinstance(name, str) for name in names):
        raise ValueError("a name that is not UTF-8")


def _is_constant(node: onnx.NodeProto) -> bool:
    return node.op_type == "Constant" and node.domain in _STANDARD


def _constant(node: onnx.NodeProto) -> NDArray[np.generic]:
    """The value of a Constant node; nothing for text and sparse values, which no rule looks at."""
    (attribute,) = node.attribute
    value = onnx.helper.get_attribute_value(attribute)
    if attribute.name == "value":
        return _array(value)
    if attribute.name in ("value_float", "value_floats"):
        return np.array(value, np.float32)
    if attribute.name in ("value_int", "value_ints"):
        return np.array(value, np.int64)
    return np.array([], np.str_)


def _constants(
    node: onnx.NodeProto, known: Mapping[str, NDArray[np.generic]]
) -> tuple[NDArray[np.generic], ...]:
    """The constant inputs of a node, and what it fills with; of a clip both bounds, infinite where
    it has none."""
    given = tuple(known[name] for name in node.input if name in known)
    if node.op_type not in ("Clip", "ConstantOfShape", "Pad"):
        return given
    # Before opset 11 those of Clip and Pad were attributes.
    told = {one.name: _told(onnx.helper.get_attribute_value(one)) for one in node.attribute}
    if node.op_type != "Clip":
        return (*given, told["value"]) if "value" in told else given
    low, high = (*node.input[1:], "", "")[:2]
    open_low, open_high = np.array(-np.inf), np.array(np.inf)
    return known.get(low, told.get("min", open_low)), known.get(high, told.get("max", open_high))


def _told(attribute: Any) -> NDArray[np.generic]:
    """The value of an attribute."""
    return _array(attribute) if isinstance(attribute, onnx.TensorProto) else np.array(attribute)


def _array(tensor: onnx.TensorProto) -> NDArray[np.generic]:
    """Its values; those of formats that NumPy has not, as bfloat16, as float32."""
    values = numpy_helper.to_array(tensor)
    return values.astype(np.float32) if values.dtype.kind == "V" else values


def _value(value: onnx.ValueInfoProto) -> Value:
    tensor = value.type.tensor_type
    shape = tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim)
    # A sequence or a map has no type of its elements here, and no shape.
    kind = tensor.elem_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(kind).name if kind else ""
    return Value(value.name, shape if tensor.HasField("shape") else None, dtype)
