"""Which operations of a float16 Core ML export compute in float32 all the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch.export import ExportedProgram


@dataclass(frozen=True, slots=True)
class Float32Operations:
    """What stays in float32 in an fp16 export: by the module it belongs to, or by its kind.

    modules: regular expressions; an operation stays in float32 if one of them matches the whole
        dotted path of the torch module whose forward made it (`renderer.bins`, `db.3.scan`), or
        the path of a module around that one.
    kinds: ML Program operation names (`cumsum`), wherever they are.
    """

    modules: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    def keeps(self, kind: str, module_paths: list[str]) -> bool:
        """Whether an operation of this kind, made by these modules, stays in float32."""
        return kind in self.kinds or any(self._matches(path) for path in module_paths)

    def _matches(self, path: str) -> bool:
        parts = path.split(".")
        around = [".".join(parts[: count + 1]) for count in range(len(parts))]
        return any(re.fullmatch(pattern, name) for pattern in self.modules for name in around)


def label_with_modules(program: ExportedProgram) -> None:
    """Write every node's module path where coremltools carries it through to its operations.

    Changes the program's node metadata in place. coremltools copies a node's stack trace onto the
    operations made from it (their EXIR_STACK_TRACE scope), through fusions too; nothing else from
    torch.export arrives there. The trace itself is of no use to anyone after the export.
    """
    for node in program.graph.nodes:
        stack = node.meta.get("nn_module_stack") or {}
        paths = [path for path, _ in stack.values()]
        node.meta["stack_trace"] = _relative(paths[-1]) if paths else ""


def computes_in_float16(keep: Float32Operations) -> Callable[[Any], bool]:
    """The `op_selector` of coremltools' FP16ComputePrecision for this choice."""
    from coremltools.converters.mil.mil.scope import ScopeSource

    def selector(op: Any) -> bool:
        paths = [path for path in op.scopes.get(ScopeSource.EXIR_STACK_TRACE, []) if path]
        return not keep.keeps(op.op_type, paths)

    return selector


def _relative(path: str) -> str:
    """torch.export writes the root as an empty path or as `L['self']`, and `a.b` below it."""
    return path.removeprefix("L['self']").lstrip(".")
