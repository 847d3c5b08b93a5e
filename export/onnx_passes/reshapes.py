"""Reshapes of reshapes as one Reshape; squeezing and unsqueezing are reshapes too."""

from __future__ import annotations

from typing import Any

import numpy as np

from bokehflow.export.onnx_passes.replacing import take_place

_KINDS = ("Reshape", "Squeeze", "Unsqueeze")


def merge_reshapes(model: Any) -> int:
    """Let every such node read what the first of its chain reads; returns how many changed.

    model: an onnx_ir.Model of static shapes, changed in place. Nodes that nothing reads any more
    stay for others to remove.
    """
    import onnx_ir

    done = 0
    for node in list(model.graph):
        shape = node.outputs[0].shape if node.outputs else None
        if node.op_type not in _KINDS or shape is None:
            continue
        source = _origin(node.inputs[0])
        if source is node.inputs[0]:
            continue
        sizes = onnx_ir.tensor(
            np.array(shape.numpy(), np.int64), name=f"{node.outputs[0].name}_shape"
        )
        constant = onnx_ir.Value(name=sizes.name, const_value=sizes)
        model.graph.register_initializer(constant)
        take_place(model.graph, node, onnx_ir.node("Reshape", [source, constant]), "merged")
        done += 1
    return done


def _origin(value: Any) -> Any:
    """What a chain of reshapes begins with."""
    node = value.producer()
    while node is not None and node.op_type in _KINDS:
        value = node.inputs[0]
        node = value.producer()
    return value
