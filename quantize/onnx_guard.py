"""What must hold of a quantized ONNX graph: nothing but the chosen layers reads 8-bit values."""

from __future__ import annotations

from collections.abc import Collection

import onnx

from bokehflow.errors import CheckError
from bokehflow.quantize.onnx_graph import constant_values, layers_of, readers

MOVES = frozenset(
    {
        "Reshape",
        "Transpose",
        "Squeeze",
        "Unsqueeze",
        "Identity",
        "Slice",
        "Split",
        "Gather",
        "Concat",
    }
)
"""Operators that only move values: what reads them reads the quantized values."""


def check_quantizers(proto: onnx.ModelProto) -> list[str]:
    """Follow every quantized activation to what computes with it; return those layers, sorted.

    Raises CheckError where that is anything but a layer of `layers.is_quantizable`: the recurrence,
    a gate, a norm, the blur radius, the renderer.
    """
    allowed = layers_of(proto)
    by_input = readers(proto)
    constants = constant_values(proto)
    reached: set[str] = set()
    for node in proto.graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] not in constants:
            reached |= _computing_readers(node, by_input, allowed)
    return sorted(reached)


def _computing_readers(
    start: onnx.NodeProto,
    by_input: dict[str, list[onnx.NodeProto]],
    allowed: Collection[str],
) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for output in waiting.pop().output:
            for node in by_input.get(output, []):
                if node.op_type in MOVES:
                    waiting.append(node)
                elif node.name in allowed:
                    found.add(node.name)
                else:
                    raise CheckError(
                        f"a quantizer enters {node.name} ({node.op_type}), from {start.name}",
                        "8-bit values in linear and convolution layers alone",
                    )
    return found
