"""Reads a saved .mlpackage back into a plain `Program`, on any system.

coremltools parses the protobuf and the weights file; compressed weights (`constexpr_*`) are
unpacked into constants here, once.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bokehflow.engines.coremltools_access import load_program, quiet_coremltools
from bokehflow.engines.reason import reason_of
from bokehflow.errors import ArtifactError
from bokehflow.path_text import require_text
from bokehflow.runtimes.mil_evaluator.program import (
    UNKNOWN_LENGTH,
    Binding,
    Operation,
    Program,
    Reference,
    Single,
    Variable,
)

_PURPOSE = "reading a Core ML package"


def read_package(path: Path) -> Program:
    """Read the `main` function of a saved ML Program.

    Raises ArtifactError for a path that is no readable ML Program package, and
    MissingDependencyError without coremltools.
    """
    if not (path / "Manifest.json").is_file():
        raise ArtifactError(
            f"{path} is no Core ML package", "a .mlpackage folder with a Manifest.json"
        )
    require_text(path, ArtifactError)
    with quiet_coremltools(_PURPOSE) as coremltools:
        try:
            model = coremltools.models.MLModel(str(path), skip_model_load=True)
            return program_of(load_program(model))
        except ArtifactError:
            raise
        # A damaged package can fail anywhere in the protobuf, the weights or type inference.
        except Exception as error:
            raise ArtifactError(
                f"{path} cannot be read as an ML Program ({reason_of(error)})",
                "an intact .mlpackage of type mlProgram",
                "export it again",
            ) from error


def program_of(loaded: Any) -> Program:
    """The `main` function of what coremltools has read already (`load_program`)."""
    function = loaded.functions["main"]
    placeholders = list(function.inputs.values())
    return Program(
        inputs=tuple(_variable(var) for var in placeholders if not _is_state(var)),
        states=tuple(var.name for var in placeholders if _is_state(var)),
        operations=tuple(_operations(function)),
        outputs=tuple(var.name for var in function.outputs),
    )


def _operations(function: Any) -> Iterator[Operation]:
    for op in function.operations:
        if op.op_type == "const" or op.op_type.startswith("constexpr_"):
            continue
        inputs = {name: _binding(bound) for name, bound in op.inputs.items()}
        yield Operation(op.op_type, inputs, tuple(_variable(var) for var in op.outputs))


def _binding(bound: Any) -> Binding:
    if isinstance(bound, list | tuple):
        return tuple(_single(var) for var in bound)
    return _single(bound)


def _single(var: Any) -> Single:
    if var.op is not None and var.op.op_type.startswith("constexpr_"):
        value = var.op.materialized_val_inference()
        if value is None:
            raise ArtifactError(f"{var.name} is compressed twice", "weights compressed once")
        return _tensor(value)
    if var.op is not None and var.op.op_type == "const":
        return var.val if isinstance(var.val, str) else _tensor(var.val)
    return Reference(var.name)


def _tensor(value: Any) -> Tensor:
    return torch.from_numpy(np.array(value))


def _variable(var: Any) -> Variable:
    from coremltools.converters.mil.mil import types

    dtype = _tensor(np.zeros((), types.nptype_from_builtin(var.dtype))).dtype
    shape = (UNKNOWN_LENGTH if types.symbolic.is_symbolic(n) else int(n) for n in var.shape)
    return Variable(var.name, tuple(shape), dtype)


def _is_state(var: Any) -> bool:
    from coremltools.converters.mil.mil import types

    return bool(types.is_state(var.sym_type))
