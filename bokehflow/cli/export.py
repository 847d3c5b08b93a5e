"""`bfx export`: model to ONNX, OpenVINO and Core ML."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from bokehflow.cli.command_result import CommandResult
from bokehflow.cli.common_options import (
    QUALITY_HELP,
    QUALITY_METAVAR,
    FrameSize,
    NetworkSize,
    Segments,
    VariantName,
    Weights,
)
from bokehflow.cli.lens_options import BladeRotationDeg, Blades, Highlights
from bokehflow.cli.partial import Ended, until_ended
from bokehflow.cli.render_options import QUALITY_WITH_NETWORK, RendererOptions
from bokehflow.cli.terminal import progress_bar, text_table
from bokehflow.cli.untrained import untrained_warning
from bokehflow.defaults import OUTPUT_DIR, VARIANT
from bokehflow.specs import MOBILE_FRAME, MOBILE_PROFILE, Size, find_variant, network_size_for

if TYPE_CHECKING:
    from bokehflow.export import Artifact, ExportConfig
    from bokehflow.export.targets import Precision
    from bokehflow.model import BokehFlow
    from bokehflow.rendering import RenderConfig

ALL_TARGETS = "all"
COLUMNS = ("target", "artifact", "bytes", "precision", "scan", "time")

TargetName = Annotated[
    str, typer.Option(metavar="onnx|openvino|coreml|all", help="The format to export to.")
]
PrecisionName = Annotated[
    str | None,
    typer.Option(metavar="fp32|fp16", help="[default: fp16 for Core ML, fp32 for the others]"),
]
ScanName = Annotated[
    str,
    typer.Option(
        metavar="auto|NAME",
        help="The form of the scan in the graph: chunked; for ONNX linear_attention, or "
        "linear_attention_padded for AVX-512; for OpenVINO gated_delta_net. auto is what measured "
        "fastest on processors like this machine's.",
    ),
]
QualityName = Annotated[str, typer.Option(metavar=QUALITY_METAVAR, help=QUALITY_HELP)]
ExportedTsp = Annotated[
    str,
    typer.Option(
        metavar="document|off|cold",
        help="How the state goes from frame to frame. cold flickers less: pieces of each scan "
        "start from the frame before.",
    ),
]
OutputDir = Annotated[Path, typer.Option("--output-dir", "-o", help="Where to write.")]


def export(
    target: TargetName,
    variant: VariantName = VARIANT,
    size: FrameSize = str(MOBILE_FRAME),
    network_size: NetworkSize = MOBILE_PROFILE,
    precision: PrecisionName = None,
    scan: ScanName = "auto",
    quality: QualityName = QUALITY_WITH_NETWORK,
    blades: Blades = None,
    blade_rotation_deg: BladeRotationDeg = None,
    highlights: Highlights = None,
    tsp: ExportedTsp = "document",
    segments: Segments = None,
    weights: Weights = None,
    output_dir: OutputDir = OUTPUT_DIR,
) -> CommandResult:
    """Export a model: static shapes, explicit state, the lens as a run-time input.

    An artifact of the same name and settings is replaced; names do not tell quality, aperture,
    highlights and scan. What was exported before an interrupt stays and is shown.
    """
    from bokehflow.cli.model_settings import render_config, temporal_config
    from bokehflow.model import ModelConfig, load_model

    find_variant(variant)
    look = RendererOptions(quality, blades, blade_rotation_deg, highlights)
    render = render_config(look, QUALITY_WITH_NETWORK)
    temporal = temporal_config(tsp, segments)
    frame = Size.parse(size)
    network = network_size_for(frame, network_size, temporal.segments)
    configs = _configs(target, frame, network, precision, scan, render)
    model = load_model(variant, weights, ModelConfig(temporal=temporal))
    replaced = _replaced(model, configs, output_dir)
    done, ended = _export_each(model, configs, output_dir)
    rows = [
        (
            d["target"],
            d["path"],
            f"{d['bytes']:,}",
            d["precision"],
            d["lowering"],
            f"{d['seconds']} s",
        )
        for d in done
    ]
    # What took minutes to make is still shown.
    rest = [ended.warning(len(done), len(configs), "targets")] if ended else []
    return CommandResult(
        {
            "variant": variant,
            "trained": model.weights.trained,
            "artifacts": done,
            "ended": ended and ended.reason,
        },
        text_table(COLUMNS, rows),
        exit_code=ended.exit_code if ended else 0,
        warnings=(
            *untrained_warning(model.weights.trained),
            *(replaced[str(d["path"])] for d in done if str(d["path"]) in replaced),
            *rest,
        ),
    )


def _configs(
    target: str,
    frame: Size,
    network: Size,
    precision: str | None,
    scan: str,
    render: RenderConfig,
) -> list[ExportConfig]:
    """One checked request a target."""
    from bokehflow.export import TARGETS, ExportConfig, as_target

    return [
        ExportConfig(
            as_target(name),
            frame,
            network,
            cast("Precision | None", precision),
            scan,
            render,
        )
        for name in (TARGETS if target == ALL_TARGETS else (target,))
    ]


def _replaced(
    model: BokehFlow, configs: Sequence[ExportConfig], output_dir: Path
) -> dict[str, str]:
    """What to tell of each artifact that takes the place of one of other weights, by its path."""
    from bokehflow.export.artifacts.replacing import other_weights
    from bokehflow.export.export import places

    planned = places(model, configs, output_dir)
    told = {str(path): other_weights(path, manifest) for path, manifest in planned}
    return {path: line for path, line in told.items() if line is not None}


def _export_each(
    model: BokehFlow, configs: Sequence[ExportConfig], output_dir: Path
) -> tuple[list[dict[str, object]], Ended | None]:
    """Export one after the other; what each became, and what ended it early."""
    with progress_bar("exporting", len(configs)) as advance:
        return until_ended(_exported(model, configs, output_dir, advance))


def _exported(
    model: BokehFlow, configs: Sequence[ExportConfig], output_dir: Path, advance: Callable[[], None]
) -> Iterator[dict[str, object]]:
    """What each became and how long it took."""
    from bokehflow.export import export_each

    started = time.perf_counter()
    for artifact in export_each(model, configs, output_dir):
        yield _facts(artifact, time.perf_counter() - started)
        started = time.perf_counter()
        advance()


def _facts(artifact: Artifact, seconds: float) -> dict[str, object]:
    manifest = artifact.manifest
    return {
        "target": manifest.target,
        "path": str(artifact.path),
        "bytes": manifest.artifact_bytes,
        "precision": manifest.precision,
        "lowering": manifest.lowering,
        "scan": manifest.scan,
        "sha256": manifest.artifact_sha256,
        "seconds": round(seconds, 1),
    }
