"""Evaluates an ML Program operation by operation, as a device with its declared dtypes would round.

The arithmetic is torch's float32; every result is rounded to the dtype that the program declares
for it, float16 included, before the next operation reads it. This models the rounding between
operations. It does not model what Apple's hardware does inside one (float16 accumulation on the
Neural Engine, its approximations of transcendental functions), nor its fusions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from bokehflow.errors import ArtifactError, SizeError, UsageError
from bokehflow.runtimes.mil_evaluator.operands import Operands, Value
from bokehflow.runtimes.mil_evaluator.program import (
    UNKNOWN_LENGTH,
    Binding,
    Operation,
    Program,
    Reference,
    Single,
    Variable,
    references,
)
from bokehflow.runtimes.mil_evaluator.registry import HANDLERS

Observer = Callable[[Operation, Variable, Tensor], None]
"""Called with every result once it is rounded: for ranges, for finding where precision goes."""


class Evaluator:
    """A program that was checked and whose values' lifetimes are known. Holds nothing else."""

    def __init__(self, program: Program) -> None:
        """Raises ArtifactError where the program has an operation that cannot be evaluated, a
        length that is known at run time alone, or an output that nothing computes."""
        unknown = sorted({op.kind for op in program.operations} - set(HANDLERS))
        if unknown:
            raise ArtifactError(
                f"the ML Program has operations that cannot be evaluated: {', '.join(unknown)}",
                f"only the {len(HANDLERS)} operations of the evaluator's registry",
                "run it on macOS, or add a handler for the operation",
            )
        results = [result for op in program.operations for result in op.results]
        for variable in (*program.inputs, *results):
            if UNKNOWN_LENGTH in variable.shape:
                raise ArtifactError(
                    f"{variable.name} of the ML Program has a length that is known at run time",
                    "fixed lengths",
                )
        nobodys = set(program.outputs) - {one.name for one in (*program.inputs, *results)}
        if nobodys:
            raise ArtifactError(
                f"outputs of the ML Program are constants: {', '.join(sorted(nobodys))}",
                "outputs that it computes",
            )
        self.program = program
        self._last_uses = _last_uses(program)

    def run(
        self, feeds: Mapping[str, np.ndarray], observe: Observer | None = None
    ) -> dict[str, np.ndarray]:
        """Evaluate once; the outputs by name.

        feeds: one array an input, of the declared shape and dtype.
        Raises UsageError or SizeError for feeds that do not fit, and ArtifactError for an operation
        that cannot be computed, as for indices out of range, whose inputs were not all consumed or
        whose result has another shape.
        """
        table = _checked(self.program.inputs, feeds)
        with torch.inference_mode():
            for operation, dead in zip(self.program.operations, self._last_uses, strict=True):
                self._step(operation, table, observe)
                for name in dead:
                    del table[name]
        # Copies: a result may be a view of a constant or of a feed.
        return {name: table[name].clone().numpy() for name in self.program.outputs}

    def _step(
        self, operation: Operation, table: dict[str, Tensor], observe: Observer | None
    ) -> None:
        values = {name: _resolve(bound, table) for name, bound in operation.inputs.items()}
        operands = Operands(operation.kind, values, operation.results)
        tensors = _computed(operation, operands)
        if operands.unread:
            raise ArtifactError(
                f"{_label(operation)} has inputs that its handler ignores: "
                + ", ".join(sorted(operands.unread)),
                "every input to take part in the result",
            )
        for variable, tensor in zip(operation.results, tensors, strict=True):
            if tuple(tensor.shape) != variable.shape:
                raise ArtifactError(
                    f"{_label(operation)} gave shape {tuple(tensor.shape)}",
                    f"{variable.shape}, as the program declares",
                )
            table[variable.name] = tensor.to(variable.dtype)
            if observe is not None:
                observe(operation, variable, table[variable.name])


def _computed(operation: Operation, operands: Operands) -> tuple[Tensor, ...]:
    """What its handler makes of it; torch refuses what is out of range or does not fit."""
    try:
        computed = HANDLERS[operation.kind](operands)
    except (RuntimeError, IndexError, ValueError, TypeError) as error:
        if "DefaultCPUAllocator" in str(error):
            raise
        raise ArtifactError(
            f"{_label(operation)} cannot be computed: {error}", "inputs that fit it"
        ) from error
    return (computed,) if isinstance(computed, Tensor) else tuple(computed)


def _label(operation: Operation) -> str:
    return f"{operation.kind} ({operation.results[0].name})"


def _resolve(binding: Binding, table: Mapping[str, Tensor]) -> Value:
    if isinstance(binding, tuple):
        return tuple(_resolve_tensor(single, table) for single in binding)
    return binding if isinstance(binding, str) else _resolve_tensor(binding, table)


def _resolve_tensor(single: Single, table: Mapping[str, Tensor]) -> Tensor:
    if isinstance(single, Tensor):
        return single
    assert isinstance(single, Reference), "a list of texts"
    return table[single.name]


def _last_uses(program: Program) -> tuple[frozenset[str], ...]:
    """For every operation, the names that nothing reads after it."""
    seen = set(program.outputs)
    dead = []
    for operation in reversed(program.operations):
        touched = references(operation) | {result.name for result in operation.results}
        dead.append(frozenset(touched - seen))
        seen |= touched
    return tuple(reversed(dead))


def _checked(
    variables: tuple[Variable, ...], arrays: Mapping[str, np.ndarray]
) -> dict[str, Tensor]:
    """The arrays as tensors, if they are what is declared."""
    expected = {variable.name for variable in variables}
    if set(arrays) != expected:
        raise UsageError(f"inputs {sorted(arrays)}", f"{sorted(expected)}")
    table = {}
    for variable in variables:
        tensor = torch.from_numpy(np.ascontiguousarray(arrays[variable.name]))
        if tuple(tensor.shape) != variable.shape:
            raise SizeError(
                f"input {variable.name!r} has shape {tuple(tensor.shape)}", f"{variable.shape}"
            )
        if tensor.dtype != variable.dtype:
            raise UsageError(f"input {variable.name!r} is {tensor.dtype}", f"{variable.dtype}")
        table[variable.name] = tensor
    return table
