"""An OpenVINO model as a `Graph`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bokehflow.engines.openvino_access import shared_core
from bokehflow.engines.reason import reason_of_openvino
from bokehflow.errors import ArtifactError
from bokehflow.export.openvino_file import MODEL_FILE
from bokehflow.runtimes.hazards.graph import SCAN_LOOP, Graph, Node, Value, canonical

_NOT_COMPUTED = frozenset({"Parameter", "Constant", "Result"})
_MOVES = frozenset({"Squeeze", "Unsqueeze"})
_DELTA_STEP = Counter(Add=1, Exp=1, Multiply=5, ReduceSum=2, ScatterUpdate=1, Subtract=1)
"""What a token costs in the loop of `export.gated_delta_net`, which the CPU plugin fuses."""


def read_openvino(path: Path) -> Graph:
    """Raises ArtifactError for no OpenVINO model and MissingDependencyError without OpenVINO."""
    core = shared_core("reading an OpenVINO model")
    try:
        return _graph(core.read_model(str(path / MODEL_FILE)))
    # A damaged byte may be in a name, which OpenVINO itself reads, or in a type or a shape.
    except (RuntimeError, ValueError, TypeError) as error:
        raise ArtifactError(
            f"{path} is not an OpenVINO model ({reason_of_openvino(error)})"
        ) from error


def _graph(model: Any) -> Graph:
    nodes = (node for node in model.get_ordered_ops() if node.get_type_name() not in _NOT_COMPUTED)
    inputs = ((p.get_friendly_name(), p.output(0)) for p in model.get_parameters())
    return Graph("openvino", tuple(map(_node, nodes)), tuple(_value(*each) for each in inputs))


def _node(node: Any) -> Node:
    sources = [port.get_source_output().get_node() for port in node.inputs()]
    values = [_value_of(source) for source in sources]
    constants = [value for value in values if value is not None]
    if node.get_type_name() == "Clamp":
        bounds = node.get_attributes()
        constants += [np.array(bounds["min"]), np.array(bounds["max"])]
    return Node(
        node.get_friendly_name(),
        SCAN_LOOP if _is_scan(node) else canonical(node.get_type_name()),
        tuple(
            source.get_friendly_name()
            for source, value in zip(sources, values, strict=True)
            if value is None
        ),
        tuple(constants),
        tuple(_value(node.get_friendly_name(), port) for port in node.outputs()),
    )


def _is_scan(node: Any) -> bool:
    """Whether a node is the loop over tokens that a gated delta scan is written as."""
    if node.get_type_name() != "Loop":
        return False
    kinds = [inner.get_type_name() for inner in node.get_function().get_ops()]
    return Counter(k for k in kinds if k not in _NOT_COMPUTED | _MOVES) == _DELTA_STEP


def _value_of(source: Any) -> NDArray[np.generic] | None:
    """What a source always gives: a constant, which may be stored in half precision."""
    if source.get_type_name() == "Convert":
        source = source.input_value(0).get_node()
    return source.get_data() if source.get_type_name() == "Constant" else None


def _value(name: str, port: Any) -> Value:
    shape = port.get_partial_shape()
    dtype = {"f32": "float32", "f16": "float16"}.get(port.get_element_type().get_type_name(), "")
    if shape.rank.is_dynamic:
        return Value(name, None, dtype)
    return Value(name, tuple(d.get_length() if d.is_static else None for d in shape), dtype)
