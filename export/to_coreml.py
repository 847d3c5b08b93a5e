"""torch module to Core ML ML Program package (.mlpackage)."""

from __future__ import annotations

import shutil
import tempfile
import traceback
import warnings
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from bokehflow.engines.coremltools_access import passes_only, quiet_coremltools
from bokehflow.engines.reason import reason_of
from bokehflow.errors import ArtifactError, UsageError
from bokehflow.export.artifacts.staging import not_written
from bokehflow.export.coreml_precision import (
    computes_in_float16,
    mark_float32,
)
from bokehflow.export.targets import DEPLOYMENT_TARGET, Precision

COREML_PURPOSE = "exporting to Core ML"

KEPT_IN_FLOAT32 = ("lens",)
"""Squares of millimetres leave float16's range above 255 mm, distances in millimetres above 65 m.
Nothing else needed it when it was measured on an untrained Nano: the bokeh stayed far above its
bar, and float32 in every scan hardly changed it. Every float32 operation more leaves the Neural
Engine."""


def _reciprocal(x: Tensor) -> Tensor:
    """A true division: coremltools makes `1 / x` into an operation that adds 1e-4 to x first."""
    return torch.full((), 1.0, dtype=x.dtype) / x


_DECOMPOSITIONS = {
    torch.ops.aten.reciprocal.default: _reciprocal,
    # A slice or view that keeps everything is an `alias` node, which coremltools does not know.
    torch.ops.aten.alias.default: lambda x: x,
}


def to_coreml(
    module: nn.Module,
    example_inputs: tuple[Tensor, ...],
    input_names: Sequence[str],
    output_names: Sequence[str],
    path: Path,
    precision: Precision,
    metadata: Mapping[str, str],
    kept_inputs: Collection[str] = KEPT_IN_FLOAT32,
) -> None:
    """Convert a module with static shapes and save it at `path`, where nothing must be.

    module: is put into evaluation mode.
    example_inputs: one tensor an input; their shapes become the package's. Inputs and outputs of
        the package are float32 in either precision, named as given, in the module's order.
    precision: fp32 computes everything in float32; fp16 all but what is computed from
        `kept_inputs` and constants alone.
    metadata: written into the package's user-defined metadata.
    Raises UsageError where names and tensors do not match in number, ArtifactError for a module
    that coremltools cannot convert, MissingDependencyError without coremltools, and OSError where
    it cannot be written, which `staged` tells.
    """
    if path.suffix != ".mlpackage":
        raise UsageError(f"a Core ML artifact called {path.name!r}", "a name ending in .mlpackage")
    if len(input_names) != len(example_inputs):
        raise UsageError(f"{len(input_names)} input names", f"{len(example_inputs)}")
    with (
        quiet_coremltools(COREML_PURPOSE) as coremltools,
        tempfile.TemporaryDirectory(dir=path.parent) as converted,
    ):
        program = _exported(module, example_inputs)
        count = len(program.graph_signature.user_outputs)
        if len(output_names) != count:
            raise UsageError(f"{len(output_names)} output names", f"{count}")
        inputs = [
            coremltools.TensorType(name, tuple(tensor.shape), dtype=np.float32)
            for name, tensor in zip(input_names, example_inputs, strict=True)
        ]
        mark_float32(program, input_names, kept_inputs)
        model = _converted(
            coremltools,
            program,
            Path(converted) / "converted.mlpackage",
            compute_precision=_compute_precision(coremltools, precision),
            inputs=inputs,
            outputs=[coremltools.TensorType(name, dtype=np.float32) for name in output_names],
        )
        model.user_defined_metadata.update(metadata)
        _save(model, path)


def _save(model: Any, path: Path) -> None:
    try:
        model.save(str(path))
    # Its list of every file that was not copied is longer than a page.
    except shutil.Error as error:
        raise not_written(path.parent, "its files cannot be copied") from error
    # Written beside the model for another product's debugger; it doubles the number of files.
    (path / "executorch_debug_handle_mapping.json").unlink(missing_ok=True)


def _exported(module: nn.Module, example_inputs: tuple[Tensor, ...]) -> ExportedProgram:
    """The module's graph in ATen operations."""
    with torch.no_grad(), warnings.catch_warnings():
        # torch warns about its own internals while it traces.
        warnings.simplefilter("ignore")
        traced = torch.export.export(module.eval(), example_inputs, strict=False)
        program: ExportedProgram = traced.run_decompositions(_DECOMPOSITIONS)
    return program


def _converted(coremltools: Any, program: ExportedProgram, package: Path, **options: Any) -> Any:
    """The converted model, with its files in `package`.

    Raises ArtifactError where the module has no Core ML form and OSError where its files cannot be
    written, which `staged` tells.
    """
    try:
        with passes_only():
            return coremltools.convert(
                program,
                convert_to="mlprogram",
                minimum_deployment_target=coremltools.target[DEPLOYMENT_TARGET],
                skip_model_load=True,
                package_dir=str(package),
                **options,
            )
    # The converter raises whatever its passes meet: NotImplementedError, ValueError, KeyError...
    except Exception as error:
        # Its frames hold a temporary folder, which warns when it is dropped any later than here.
        traceback.clear_frames(error.__traceback__)
        reason = reason_of(error)
        if isinstance(error, OSError):
            raise
        # The part in C++ that writes the files raises RuntimeError, and it alone names the package.
        if str(package) in str(error):
            raise not_written(package.parent, reason.partition(" [")[0]) from error
        raise ArtifactError(
            f"the module cannot be converted to Core ML ({reason})",
            "operations that coremltools can convert, with static shapes",
        ) from error


def _compute_precision(coremltools: Any, precision: str) -> Any:
    if precision == "fp32":
        return coremltools.precision.FLOAT32
    return coremltools.transform.FP16ComputePrecision(op_selector=computes_in_float16())
