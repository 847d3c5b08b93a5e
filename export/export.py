"""Model to artifact, for every target."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, cast

import onnx

from bokehflow.export.artifact import Artifact, load_artifact, sealed
from bokehflow.export.checks import check_static_graph
from bokehflow.export.compiled import check_compiled
from bokehflow.export.config import ExportConfig, Precision
from bokehflow.export.lowering import LoweredNetwork
from bokehflow.export.manifest import Manifest, tool_versions
from bokehflow.export.naming import artifact_name
from bokehflow.export.openvino_file import import_openvino
from bokehflow.export.staging import output_folder
from bokehflow.export.to_coreml import DEPLOYMENT_TARGET, to_coreml
from bokehflow.export.to_onnx import OPSET, to_onnx
from bokehflow.export.to_openvino import to_openvino
from bokehflow.export.trace import example_inputs, trace
from bokehflow.model import BokehFlow
from bokehflow.pipeline import Pipeline
from bokehflow.signature import STATE_PAIRS, input_specs, output_specs

DEFAULT_OUTPUT_DIR = Path("dist")
PARITY_GOAL_DB = {"fp32": 80.0, "fp16": 50.0, "int8": 40.0}
_FORMATS: dict[str, dict[str, Any]] = {
    "onnx": {"opset": OPSET},
    "openvino": {"opset": OPSET, "ir": 11},
    "coreml": {"deployment_target": DEPLOYMENT_TARGET},
}


def export(
    model: BokehFlow, config: ExportConfig, output_dir: Path = DEFAULT_OUTPUT_DIR
) -> Artifact:
    """Export a model and write its manifest beside it, replacing an artifact of the same name.

    Raises CheckError for a graph that is not static, or that its engine compiles to something else
    than the lowering is meant to be, OutputError for a folder that cannot be
    written, MissingDependencyError for a target that is not installed. A failed export leaves
    nothing of its own behind.
    """
    pipeline = _pipeline(model, config)
    manifest = _manifest(model, config)
    path = output_dir / artifact_name(manifest.variant, config)
    with output_folder(output_dir), sealed(path, manifest) as target:
        _WRITERS[config.target](pipeline, manifest, target)
        check_compiled(config.target, target, config.lowering, model.network.variant.blocks)
    return load_artifact(path)


def _write_onnx(pipeline: Pipeline, manifest: Manifest, target: Path) -> None:
    onnx.save(_checked_onnx(pipeline, manifest), target)


def _write_openvino(pipeline: Pipeline, manifest: Manifest, target: Path) -> None:
    import_openvino()  # Before the minute that the graph takes.
    proto = _checked_onnx(pipeline, manifest)
    target.mkdir()
    to_openvino(proto, target, cast(Precision, manifest.precision), manifest.embedded())


def _write_coreml(pipeline: Pipeline, manifest: Manifest, target: Path) -> None:
    to_coreml(
        pipeline,
        example_inputs(pipeline),
        [spec.name for spec in manifest.inputs],
        [spec.name for spec in manifest.outputs],
        target,
        cast(Precision, manifest.precision),
        manifest.embedded(),
    )


_WRITERS = {"onnx": _write_onnx, "openvino": _write_openvino, "coreml": _write_coreml}


def _checked_onnx(pipeline: Pipeline, manifest: Manifest) -> onnx.ModelProto:
    names = [spec.name for spec in manifest.outputs]
    proto = to_onnx(trace(pipeline), names, manifest.embedded())
    check_static_graph(proto)
    onnx.checker.check_model(proto, full_check=True)
    return proto


def _pipeline(model: BokehFlow, config: ExportConfig) -> Pipeline:
    """The model's weights in a pipeline of the sizes and with the lowering of the export."""
    network = LoweredNetwork(model.network, config.lowering.mixer)
    return Pipeline(network, config.frame_size, config.network_size, config.render).eval()


def _manifest(model: BokehFlow, config: ExportConfig) -> Manifest:
    variant, weights = model.network.variant, model.weights
    return Manifest(
        target=config.target,
        variant=variant.name,
        trained=weights.trained,
        weights_sha256=weights.sha256,
        canonical_fov_deg=weights.canonical_fov_deg,
        frame_size=config.frame_size,
        network_size=config.network_size,
        precision=config.chosen_precision,
        scan={
            "lowering": config.lowering.name,
            "requested": config.scan,
            **dataclasses.asdict(config.lowering.scan),
        },
        render=config.render,
        inputs=input_specs(variant, config.frame_size),
        outputs=output_specs(variant, config.frame_size),
        state_pairs=dict(STATE_PAIRS),
        format=dict(_FORMATS[config.target]),
        budget={
            "parity_db": PARITY_GOAL_DB[config.chosen_precision],
            "fps_720p": variant.table_fps,
            "memory_gb_1080p": variant.table_memory_gb,
        },
        tools=tool_versions(),
    )
