"""Pipeline to ONNX: standard operators, static shapes, nodes named after their modules."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import onnx
import torch
from torch.export import ExportedProgram

from bokehflow.engines.quiet_logger import quiet_logger
from bokehflow.export.onnx_passes.ramps import merge_ramps
from bokehflow.export.onnx_passes.reshapes import merge_reshapes
from bokehflow.export.targets import OPSET
from bokehflow.export.translations import TRANSLATIONS

_WHOLE_GRAPH = 2**31
"""Bytes: no tensor is larger than a file of this format may be. Nothing is too large to fold."""


def to_onnx(program: ExportedProgram, output_names: Sequence[str]) -> onnx.ModelProto:
    """Convert a traced program. Inputs keep the names of the module's arguments."""
    model = _translated(program, output_names)
    _name_after_modules(model)
    _tidy(model)
    return _serialized(model)


def _translated(program: ExportedProgram, output_names: Sequence[str]) -> Any:
    """torch's own translation, without its pattern rewriter, which takes minutes on this graph."""
    with quiet_logger("torch.onnx"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported = torch.onnx.export(
            program,
            dynamo=True,
            custom_translation_table=TRANSLATIONS,
            opset_version=OPSET,
            output_names=list(output_names),
            optimize=False,
            verbose=False,
        )
    if exported is None:
        raise RuntimeError("torch.onnx.export returned no program")
    return exported.model


def _name_after_modules(model: Any) -> None:
    """Name every node `module.path/kind`, so that a tool can leave out a module by its name.

    torch writes the path into each node's metadata; nodes without one belong to the pipeline.
    """
    taken: dict[str, int] = {}
    for node in model.graph:
        names = node.metadata_props.get("pkg.torch.onnx.name_scopes", "")
        scopes = [part.strip(" '\"") for part in names.strip("[]").split(",")]
        path = scopes[-2] if len(scopes) > 1 else ""
        stem = f"{path or 'pipeline'}/{node.op_type.lower()}"
        taken[stem] = taken.get(stem, 0) + 1
        node.name = f"{stem}_{taken[stem]}"


def _tidy(model: Any) -> None:
    """Fold constants, drop what is unused or said twice; changes the model in place."""
    from onnx_ir.passes import common
    from onnxscript import optimizer

    share = common.CommonSubexpressionEliminationPass()
    share(model)
    common.RemoveUnusedNodesPass()(model)
    with quiet_logger("onnxscript"):
        optimizer.fold_constants(
            model, input_size_limit=_WHOLE_GRAPH, output_size_limit=_WHOLE_GRAPH
        )
    common.IdentityEliminationPass()(model)
    merge_reshapes(model)
    merge_ramps(model)
    share(model)
    common.RemoveUnusedNodesPass()(model)
    common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
    # The default leaves alone what is large, such as the orders of the scans.
    common.DeduplicateInitializersPass(size_limit=_WHOLE_GRAPH)(model)
    common.ClearMetadataAndDocStringPass()(model)
    common.RemoveUnusedOpsetsPass()(model)


def _serialized(model: Any) -> onnx.ModelProto:
    import onnx_ir

    proto: onnx.ModelProto = onnx_ir.serde.serialize_model(model)
    return proto
