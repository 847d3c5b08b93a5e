"""What must hold of every quantized graph: nothing but the chosen layers reads 8-bit values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from bokehflow.errors import CheckError

MOVES = frozenset(
    {
        "Reshape",
        "Transpose",
        "Squeeze",
        "Unsqueeze",
        "Identity",
        "Slice",
        "StridedSlice",
        "Split",
        "VariadicSplit",
        "Gather",
        "Concat",
    }
)
"""Operations of ONNX and OpenVINO that only move values: what reads them reads the quantized
values."""

N = TypeVar("N")


def reached_layers(
    quantizers: Iterable[N],
    layers: Collection[str],
    readers: Callable[[N], Iterable[N]],
    named: Callable[[N], tuple[str, str]],
) -> list[str]:
    """Follow every quantized activation to what computes with it; return those layers, sorted.

    layers: the names of those that may. readers: of what a node gives. named: a node's name and
    kind. Raises CheckError where anything else computes with one: the recurrence, a gate, a norm,
    the blur radius, the renderer.
    """
    reached: set[str] = set()
    for start in quantizers:
        waiting = [start]
        while waiting:
            for reader in readers(waiting.pop()):
                name, kind = named(reader)
                if kind in MOVES:
                    waiting.append(reader)
                elif name in layers:
                    reached.add(name)
                else:
                    raise CheckError(
                        f"a quantizer enters {name} ({kind}), from {named(start)[0]}",
                        "8-bit values in layers that compute with such, and nowhere else",
                    )
    return sorted(reached)
