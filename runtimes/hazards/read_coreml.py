"""A Core ML package as a `Graph`."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from bokehflow.runtimes.hazards.graph import Graph, Node, Value, canonical
from bokehflow.runtimes.mil_evaluator import read_package
from bokehflow.runtimes.mil_evaluator.program import (
    UNKNOWN_LENGTH,
    Operation,
    Reference,
    Variable,
)


def read_coreml(path: Path) -> Graph:
    """Raises ArtifactError for a package that cannot be read, MissingDependencyError without
    coremltools."""
    program = read_package(path)
    return Graph(
        "coreml", tuple(map(_node, program.operations)), tuple(map(_value, program.inputs))
    )


def _node(operation: Operation) -> Node:
    # The bounds of a clip in their order, the lower one first.
    bound = [
        single
        for _, binding in sorted(operation.inputs.items())
        for single in (binding if isinstance(binding, tuple) else (binding,))
    ]
    return Node(
        operation.results[0].name,
        canonical(operation.kind),
        tuple(single.name for single in bound if isinstance(single, Reference)),
        tuple(single.numpy() for single in bound if isinstance(single, Tensor)),
        tuple(_value(result) for result in operation.results),
    )


def _value(result: Variable) -> Value:
    shape = tuple(None if length == UNKNOWN_LENGTH else length for length in result.shape)
    return Value(result.name, shape, str(result.dtype).removeprefix("torch."))
