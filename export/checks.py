"""What must hold of a graph before it is called an artifact: static shapes, rank <= 5."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx

from bokehflow.errors import CheckError

MAX_RANK = 5
CONTROL_FLOW = frozenset({"If", "Loop", "Scan"})
DATA_DEPENDENT = frozenset({"NonZero", "Unique", "NonMaxSuppression"})
"""Operators whose result's size depends on values. Accelerators refuse them and control flow;
`runtimes.hazards.rules` tells both of any graph."""
FORBIDDEN = CONTROL_FLOW | DATA_DEPENDENT | {"SequenceAt", "SplitToSequence", "TopK"}
"""What the network has no use for, so that finding one is a mistake of ours. A TopK of constant k
has a static shape: in a graph that is not ours the rules call it what runs on the CPU alone."""


def check_static_graph(proto: onnx.ModelProto) -> None:
    """Raise CheckError for the first input, constant, node or value that is not static or has too
    many axes.

    Shapes are inferred from the inputs; a value whose shape cannot be inferred counts as dynamic.
    """
    inferred = onnx.shape_inference.infer_shapes(proto, strict_mode=True).graph
    shapes = {
        value.name: value.type.tensor_type.shape.dim
        for value in (*inferred.input, *inferred.output, *inferred.value_info)
    }
    for constant in inferred.initializer:
        _require_few(constant.name, len(constant.dims))
    for value in inferred.input:
        _require_static(value.name, shapes[value.name])
    for node in inferred.node:
        if node.op_type in FORBIDDEN:
            raise CheckError(f"node {node.name} is a {node.op_type}", "static operators only")
        for name in node.output:
            _require_static(f"{name} of node {node.name}", shapes.get(name))


def _require_static(label: str, dims: Sequence[Any] | None) -> None:
    if dims is None or any(not dim.HasField("dim_value") for dim in dims):
        raise CheckError(f"{label} has no static shape", "numbers only")
    _require_few(label, len(dims))


def _require_few(label: str, axes: int) -> None:
    if axes > MAX_RANK:
        raise CheckError(f"{label} has {axes} axes", f"at most {MAX_RANK}")
