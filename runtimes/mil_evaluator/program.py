"""An ML Program as plain data, free of coremltools: what is read, and what is evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

UNKNOWN_LENGTH = -1
"""Of an axis whose length is known at run time alone; nothing here runs a program with one."""


@dataclass(frozen=True, slots=True)
class Variable:
    """The declared name, shape and dtype of an input or a result."""

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype


@dataclass(frozen=True, slots=True)
class Reference:
    """An input that another operation or the caller provides under this name."""

    name: str


Single = Reference | Tensor | str
Binding = Single | tuple[Single, ...]
"""What an input is bound to: a name, a constant, or a list of them (`concat`, `stack`)."""


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One operation: its kind, its bound inputs by name, and its declared results."""

    kind: str
    inputs: Mapping[str, Binding]
    results: tuple[Variable, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """Operations in the order of their evaluation. Constants are bound inside the operations.

    states: names of the values that the program keeps from run to run (iOS 18), which nothing here
    runs: sessions keep no state.
    """

    inputs: tuple[Variable, ...]
    states: tuple[str, ...]
    operations: tuple[Operation, ...]
    outputs: tuple[str, ...]


def references(operation: Operation) -> set[str]:
    """The names that an operation reads."""
    names = set()
    for binding in operation.inputs.values():
        for single in binding if isinstance(binding, tuple) else (binding,):
            if isinstance(single, Reference):
                names.add(single.name)
    return names
