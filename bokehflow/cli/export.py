"""`bfx export`: model to ONNX, OpenVINO and Core ML."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from bokehflow.cli.output import CommandResult, progress_bar, text_table
from bokehflow.cli.untrained import untrained_warning

ALL_TARGETS = "all"


def export(
    target: Annotated[
        str, typer.Option(metavar="onnx|openvino|coreml|all", help="The format to export to.")
    ],
    variant: Annotated[str, typer.Option(help="nano, small or base.")] = "nano",
    size: Annotated[str, typer.Option(metavar="HxW", help="Frame size.")] = "720x1280",
    network_size: Annotated[
        str, typer.Option(metavar="full|HxW", help="The size at which the network sees a frame.")
    ] = "288x512",
    precision: Annotated[
        str | None,
        typer.Option(metavar="fp32|fp16", help="[default: fp16 for Core ML, fp32 for the others]"),
    ] = None,
    scan: Annotated[
        str, typer.Option(metavar="auto|chunked", help="The form of the scan in the graph.")
    ] = "auto",
    quality: Annotated[str, typer.Option(metavar="mobile|best", help="The renderer.")] = "mobile",
    blades: Annotated[int, typer.Option(help="Aperture blades; 0 is a round aperture.")] = 0,
    blade_rotation_deg: Annotated[float, typer.Option(help="Angle of the first corner.")] = 0.0,
    highlights: Annotated[
        float, typer.Option(help="Recovery of clipped highlights; 0 is off.")
    ] = 0.0,
    weights: Annotated[
        Path | None, typer.Option(help="A weights file. [default: the weights that ship]")
    ] = None,
    output_dir: Annotated[Path, typer.Option("--output-dir", "-o", help="Where to write.")] = Path(
        "dist"
    ),
) -> CommandResult:
    """Export a model: static shapes, explicit state, the lens as a run-time input."""
    from bokehflow.export import TARGETS, ExportConfig, as_target
    from bokehflow.export import export as export_model
    from bokehflow.model import load_model
    from bokehflow.render import RenderConfig
    from bokehflow.specs import Size, find_variant, network_size_for

    find_variant(variant)
    targets = [as_target(name) for name in (TARGETS if target == ALL_TARGETS else (target,))]
    frame_size = Size.parse(size)
    render: Any = RenderConfig(quality, blades, blade_rotation_deg, highlights)  # type: ignore[arg-type]
    configs = [
        ExportConfig(
            one,
            frame_size,
            network_size_for(frame_size, network_size),
            precision,  # type: ignore[arg-type]
            scan,
            render,
        )
        for one in targets
    ]
    model = load_model(variant, weights)
    done: list[dict[str, object]] = []
    with progress_bar("exporting", len(configs)) as advance:
        for config in configs:
            started = time.perf_counter()
            artifact = export_model(model, config, output_dir)
            seconds = round(time.perf_counter() - started, 1)
            done.append(
                {
                    "target": config.target,
                    "path": str(artifact.path),
                    "bytes": artifact.manifest.artifact_bytes,
                    "precision": artifact.manifest.precision,
                    "scan": artifact.manifest.scan,
                    "sha256": artifact.manifest.artifact_sha256,
                    "seconds": seconds,
                }
            )
            advance()
    rows = [
        (d["target"], d["path"], f"{d['bytes']:,}", d["precision"], f"{d['seconds']} s")
        for d in done
    ]
    return CommandResult(
        {"variant": variant, "trained": model.weights.trained, "artifacts": done},
        text_table(("target", "artifact", "bytes", "precision", "time"), rows),
        warnings=untrained_warning(model.weights.trained),
    )
