"""Short ways to evaluate one operation, or a torch module by way of a saved package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from bokehflow.export.to_coreml import to_coreml
from bokehflow.runtimes.mil_evaluator import (
    Evaluator,
    Operation,
    Program,
    Reference,
    Variable,
    read_package,
)

Constant = Tensor | str | tuple[Tensor, ...] | int | float | bool | list[int] | list[bool]


def constant(value: Constant) -> Tensor | str | tuple[Tensor, ...]:
    """A constant binding from plain Python."""
    return value if isinstance(value, str | tuple | Tensor) else torch.tensor(value)


def operation(kind: str, inputs: Mapping[str, object], *results: Variable) -> Operation:
    """An operation whose inputs are references or plain Python constants."""
    bound = {
        name: value if isinstance(value, Reference) else constant(value)  # type: ignore[arg-type]
        for name, value in inputs.items()
    }
    return Operation(kind, bound, results)


def run_one(
    kind: str,
    inputs: Mapping[str, Constant],
    shape: Sequence[int],
    dtype: torch.dtype = torch.float32,
) -> np.ndarray:
    """Evaluate one operation on constants; `shape` is what a program would declare."""
    result = Variable("result", tuple(shape), dtype)
    program = Program((), (), (operation(kind, inputs, result),), ("result",))
    return Evaluator(program).run({})["result"]


def through_package(
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    folder: Path,
    precision: Literal["fp16", "fp32"],
) -> tuple[list[Tensor], list[np.ndarray], Program]:
    """What torch computes, and what the saved and re-read package evaluates to."""
    with torch.no_grad():
        expected = module.eval()(*inputs)
    expected = list(expected) if isinstance(expected, tuple) else [expected]
    in_names = [f"in_{i}" for i in range(len(inputs))]
    out_names = [f"out_{i}" for i in range(len(expected))]
    path = folder / "module.mlpackage"
    to_coreml(module, inputs, in_names, out_names, path, precision, {})
    program = read_package(path)
    feeds = {name: x.numpy() for name, x in zip(in_names, inputs, strict=True)}
    outputs = Evaluator(program).run(feeds)
    return expected, [outputs[name] for name in out_names], program


def sqnr_db(reference: np.ndarray, test: np.ndarray) -> float:
    """Power of the reference over the power of the error."""
    error = np.mean((test.astype(np.float64) - reference) ** 2)
    return float(10 * np.log10(np.mean(reference.astype(np.float64) ** 2) / max(error, 1e-300)))
