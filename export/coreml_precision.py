"""Which operations of a float16 Core ML export compute in float32 all the same.

The choice is made on torch's graph, where inputs still have names, and carried through coremltools
to its float16 pass.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from torch.export import ExportedProgram
from torch.fx import Node

_MARK = "compute in float32"


def mark_float32(
    program: ExportedProgram, input_names: Sequence[str], kept_inputs: Collection[str]
) -> None:
    """Mark, in the program's metadata and in place, the nodes that are computed from some of its
    inputs and from constants alone.

    input_names: the names that the package will have, in the order of the program's inputs;
    kept_inputs: which of them.
    coremltools copies a node's stack trace onto every operation made from it (their
    EXIR_STACK_TRACE scope), through fusions too; nothing else of torch.export arrives there. The
    trace itself serves nobody after the export, so it carries the mark.
    """
    user_inputs = program.graph_signature.user_inputs
    package_names = {str(name): given for name, given in zip(user_inputs, input_names, strict=True)}
    sources = _sources(program, package_names)
    for node in program.graph.nodes:
        kept = bool(sources[node]) and sources[node] <= set(kept_inputs)
        node.meta["stack_trace"] = _MARK if kept else ""


def computes_in_float16() -> Callable[[Any], bool]:
    """The `op_selector` for coremltools' FP16ComputePrecision: everything that is not marked."""
    from coremltools.converters.mil.mil.scope import ScopeSource

    def selector(op: Any) -> bool:
        return _MARK not in op.scopes.get(ScopeSource.EXIR_STACK_TRACE, [])

    return selector


def _sources(program: ExportedProgram, names: Mapping[str, str]) -> dict[Node, frozenset[str]]:
    """For every node, the inputs that its value depends on."""
    sources: dict[Node, frozenset[str]] = {}
    for node in program.graph.nodes:
        own = {names[node.name]} if node.name in names else set()
        sources[node] = frozenset(own).union(*(sources[n] for n in node.all_input_nodes))
    return sources
