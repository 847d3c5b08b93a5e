"""Model to artifact, for every target."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

import onnx

from bokehflow.atomic import output_folder
from bokehflow.defaults import OUTPUT_DIR
from bokehflow.engines.coremltools_access import import_coremltools
from bokehflow.engines.onnxruntime_access import import_onnxruntime
from bokehflow.engines.openvino_access import import_openvino
from bokehflow.errors import MissingDependencyError
from bokehflow.export.artifacts.artifact import Artifact, require_outside, seal
from bokehflow.export.artifacts.manifest import PARITY_GOAL_DB, Budget, Manifest, tool_versions
from bokehflow.export.artifacts.naming import artifact_name
from bokehflow.export.artifacts.replacing import require_place
from bokehflow.export.compiled import ONNX_PURPOSE, check_compiled
from bokehflow.export.config import ExportConfig
from bokehflow.export.exportable import require_exportable
from bokehflow.export.graphs import Graphs
from bokehflow.export.targets import TARGET_FACTS
from bokehflow.export.to_coreml import COREML_PURPOSE, to_coreml
from bokehflow.export.to_openvino import OPENVINO_PURPOSE, to_openvino
from bokehflow.export.trace import example_inputs
from bokehflow.model import BokehFlow
from bokehflow.signature import STATE_PAIRS, input_specs, output_specs


def export(model: BokehFlow, config: ExportConfig, output_dir: Path = OUTPUT_DIR) -> Artifact:
    """Export a model and write its manifest beside it, replacing an artifact of the same name and
    settings.

    Raises CheckError for a graph that is not static, or that its engine refuses or compiles to
    something else than the lowering is meant to be, OutputError for a folder that cannot be
    written and for what is in the way, an artifact of other settings included, and
    MissingDependencyError for a target that is not installed. A failed export leaves nothing of its
    own behind.
    """
    (artifact,) = export_each(model, [config], output_dir)
    return artifact


def export_each(
    model: BokehFlow, configs: Iterable[ExportConfig], output_dir: Path = OUTPUT_DIR
) -> Iterator[Artifact]:
    """`export` with one config after the other; a graph that two in a row share is made once.

    Before the first one is written, raises UsageError where the model's scans go from frame to
    frame in a way that a target cannot have and for a folder that lies in an artifact, SizeError
    where its segments do not fit a size, MissingDependencyError for a target that is not installed
    and OutputError for what is in the way.
    """
    require_outside(output_dir)
    graphs = Graphs(model)
    configs = list(configs)
    for config in configs:
        require_exportable(model.network.temporal, config)
    # Now rather than after the minutes that the targets before it take.
    _require_all_installed(configs)
    planned = places(model, configs, output_dir)
    for path, manifest in planned:
        require_place(path, manifest)
    for config, (path, manifest) in zip(configs, planned, strict=True):
        with output_folder(output_dir):
            artifact = seal(path, manifest, partial(_write, graphs, config, manifest))
        yield artifact


def places(
    model: BokehFlow, configs: Iterable[ExportConfig], output_dir: Path
) -> list[tuple[Path, Manifest]]:
    """Where the artifact of each config is to lie, and what it says of itself."""
    manifests = [(config, manifest_of(model, config)) for config in configs]
    return [
        (output_dir / artifact_name(manifest.variant, config, manifest.temporal), manifest)
        for config, manifest in manifests
    ]


def manifest_of(model: BokehFlow, config: ExportConfig) -> Manifest:
    """What the artifact of an export says of itself, before it has a hash and a size."""
    variant, temporal, weights = (
        model.network.variant,
        model.network.temporal,
        model.weights_in_use(),
    )
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
        inputs=input_specs(variant, config.frame_size, temporal.segments),
        outputs=output_specs(variant, config.frame_size, temporal.segments),
        state_pairs=dict(STATE_PAIRS),
        format=dict(TARGET_FACTS[config.target].format),
        budget=Budget(
            parity_db=PARITY_GOAL_DB[config.chosen_precision],
            fps_720p=variant.table_fps,
            memory_gb_1080p=variant.table_memory_gb,
        ),
        temporal=temporal,
        tools=tool_versions(),
    )


def require_installed(target: str, purpose: str | None = None) -> None:
    """Raise MissingDependencyError where artifacts of a target can be neither written nor read.

    purpose: what for, as the message should say it; None is exporting.
    """
    if target in _OPTIONAL:
        load, exporting = _OPTIONAL[target]
        load(purpose or exporting)


def _require_all_installed(configs: Iterable[ExportConfig]) -> None:
    missing: dict[str, MissingDependencyError] = {}
    for config in configs:
        try:
            require_installed(config.target)
            if config.target == "onnx" and config.lowering.operator is not None:
                import_onnxruntime(ONNX_PURPOSE)
        except MissingDependencyError as error:
            missing[config.target] = error
    if len(missing) > 1:
        packages = {name: e for error in missing.values() for name, e in error.packages.items()}
        raise MissingDependencyError.of_several(packages, f"exporting to {' and '.join(missing)}")
    for alone in missing.values():
        raise alone


def _write(graphs: Graphs, config: ExportConfig, manifest: Manifest, target: Path) -> None:
    _WRITERS[config.target](graphs, config, manifest, target)
    check_compiled(config.target, target, config.lowering, graphs.model.network.variant.blocks)


def _write_onnx(graphs: Graphs, config: ExportConfig, manifest: Manifest, target: Path) -> None:
    # A copy: OpenVINO would take over what is written into the graph that both share.
    proto = copy.deepcopy(graphs.onnx_graph(config))
    onnx.helper.set_model_props(proto, dict(manifest.embedded()))
    onnx.save(proto, target)


def _write_openvino(graphs: Graphs, config: ExportConfig, manifest: Manifest, target: Path) -> None:
    proto = graphs.onnx_graph(config)
    target.mkdir()
    to_openvino(proto, target, config.chosen_precision, manifest.embedded())


def _write_coreml(graphs: Graphs, config: ExportConfig, manifest: Manifest, target: Path) -> None:
    pipeline = graphs.pipeline(config)
    to_coreml(
        pipeline,
        example_inputs(pipeline),
        [spec.name for spec in manifest.inputs],
        [spec.name for spec in manifest.outputs],
        target,
        config.chosen_precision,
        manifest.embedded(),
    )


_WRITERS = {"onnx": _write_onnx, "openvino": _write_openvino, "coreml": _write_coreml}
_OPTIONAL: Mapping[str, tuple[Callable[[str], object], str]] = {
    "openvino": (import_openvino, OPENVINO_PURPOSE),
    "coreml": (import_coremltools, COREML_PURPOSE),
}
"""Imports of what a target needs beyond what comes with BokehFlow, and what for."""
