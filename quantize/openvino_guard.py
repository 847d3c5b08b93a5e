"""What must hold of a quantized OpenVINO graph: only the chosen layers read 8-bit values."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from bokehflow.errors import CheckError
from bokehflow.quantize.openvino_graph import is_constant, layers_of

MOVES = frozenset(
    {
        "Reshape",
        "Transpose",
        "Squeeze",
        "Unsqueeze",
        "Slice",
        "StridedSlice",
        "Split",
        "VariadicSplit",
        "Gather",
        "Concat",
    }
)
"""Operations that only move values: what reads them reads the quantized values."""


def check_quantizers(model: Any) -> list[str]:
    """Follow every quantized activation to what computes with it; return those layers, sorted.

    Raises CheckError where that is anything but a layer of `layers.is_quantizable`.
    """
    allowed = layers_of(model)
    reached: set[str] = set()
    for node in model.get_ops():
        if node.get_type_name() == "FakeQuantize" and not is_constant(node):
            reached |= _computing_readers(node, allowed)
    return sorted(reached)


def _computing_readers(start: Any, allowed: Collection[str]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        node = waiting.pop()
        for output in node.outputs():
            for target in output.get_target_inputs():
                reader = target.get_node()
                kind = reader.get_type_name()
                if kind in MOVES:
                    waiting.append(reader)
                elif reader.friendly_name in allowed:
                    found.add(reader.friendly_name)
                else:
                    raise CheckError(
                        f"a quantizer enters {reader.friendly_name} ({kind})",
                        "8-bit values in linear and convolution layers alone",
                    )
    return found
