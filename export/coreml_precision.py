"""Which operations of a float16 Core ML export compute in float32 all the same.

The choice is made on torch's graph, where modules and inputs still have names, and carried through
coremltools to its float16 pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch.export import ExportedProgram
from torch.fx import Node

_MARK = "compute in float32"


@dataclass(frozen=True, slots=True)
class Float32Operations:
    """What stays in float32 in an fp16 export.

    modules: regular expressions for dotted module paths (`.*\\.log_decay`); what such a module's
        forward computes, or a module inside it, stays in float32.
    inputs: names of inputs; what is computed from them and constants alone stays in float32.
    """

    modules: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()


def mark_float32(
    program: ExportedProgram, input_names: Sequence[str], keep: Float32Operations
) -> None:
    """Mark the nodes that `keep` names, in the program's metadata, in place.

    input_names: the names that the package will have, in the order of the program's inputs.
    coremltools copies a node's stack trace onto every operation made from it (their
    EXIR_STACK_TRACE scope), through fusions too; nothing else of torch.export arrives there. The
    trace itself serves nobody after the export, so it carries the mark.
    """
    user_inputs = program.graph_signature.user_inputs
    package_names = {str(name): given for name, given in zip(user_inputs, input_names, strict=True)}
    sources = _sources(program, package_names)
    for node in program.graph.nodes:
        derived = bool(sources[node]) and sources[node] <= set(keep.inputs)
        kept = derived or _inside(node, keep.modules)
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


def _inside(node: Node, patterns: Sequence[str]) -> bool:
    """Whether one of the modules around a node has a path that matches."""
    stack = node.meta.get("nn_module_stack") or {}
    # torch.export writes paths as `a.b`, or `L['self'].a.b` where it traced strictly.
    paths = [path.removeprefix("L['self'].") for path, _ in stack.values()]
    return any(re.fullmatch(pattern, path) for pattern in patterns for path in paths)
