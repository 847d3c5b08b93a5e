"""`bfx validate`: does an artifact compute what the model computes?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bokehflow.cli.output import CommandResult, progress_bar, text_table
from bokehflow.cli.untrained import untrained_warning

if TYPE_CHECKING:
    from bokehflow.benchmarks.parity import ParityReport

COLUMNS = (
    "format",
    "file",
    "size",
    "scan",
    "runtime",
    "bokeh dB",
    "depth dB",
    "ms a frame",
    "status",
)


def validate(
    artifacts: Annotated[
        list[Path], typer.Argument(metavar="ARTIFACT...", help="Artifacts made by bfx export.")
    ],
    images: Annotated[
        Path | None,
        typer.Option(help="A folder of photos. [default: the packaged Motorcycle pair]"),
    ] = None,
    frames: Annotated[
        int, typer.Option(min=1, help="Frames to compare, the state carried between them.")
    ] = 2,
    weights: Annotated[
        Path | None,
        typer.Option(help="The weights it was exported from. [default: the weights that ship]"),
    ] = None,
) -> CommandResult:
    """Compare artifacts with the PyTorch reference, frame by frame, with state carried.

    Exit code 1 if one misses the bar in its manifest on the worst frame's bokeh: 80 dB for fp32,
    50 dB for fp16, 40 dB for 8 bits. The result is written into each artifact's manifest; exit
    code 2 if one cannot be written.
    """
    from bokehflow.benchmarks.parity import check_parity, record_parity, reference_session
    from bokehflow.calibration.frames import validation_frames
    from bokehflow.errors import OutputError
    from bokehflow.export import load_artifact

    loaded = [load_artifact(path) for path in artifacts]
    reports: list[ParityReport] = []
    unwritten: list[str] = []
    with progress_bar("validating", len(loaded)) as advance:
        for artifact in loaded:
            manifest = artifact.manifest
            pictures = validation_frames(manifest.frame_size, frames, images)
            report = check_parity(artifact, pictures, reference_session(manifest, weights))
            reports.append(report)
            try:
                record_parity(artifact, report)
            except OutputError as error:
                # What took minutes to measure is still shown.
                unwritten.append(f"{error.found}; what was measured is not in the manifest")
            advance()
    passed = all(report.reached for report in reports)
    return CommandResult(
        {"passed": passed, "frames": frames, "artifacts": [_document(r) for r in reports]},
        text_table(COLUMNS, [_row(report) for report in reports]),
        exit_code=OutputError.exit_code if unwritten else int(not passed),
        warnings=(
            *untrained_warning(all(report.manifest.trained for report in reports)),
            *unwritten,
        ),
    )


def status(report: ParityReport) -> str:
    """Passed or not, and why."""
    verdict = "ok" if report.reached else "FAILED"
    sign = ">=" if report.reached else "<"
    how = "" if report.mode == "executed" else f", {report.mode}"
    return f"{verdict}: worst frame {report.worst_bokeh_db:.1f} dB {sign} {report.bar_db:g} dB{how}"


def _row(report: ParityReport) -> Sequence[object]:
    manifest = report.manifest
    executed = report.mode == "executed"
    return (
        f"{manifest.target} {manifest.precision}",
        report.artifact.name,
        f"{report.file_bytes / 1e6:.1f} MB",
        manifest.scan["lowering"],
        report.runtime if executed else f"{report.runtime} ({report.mode})",
        f"{report.worst_bokeh_db:.1f}",
        f"{min(report.depth_sqnr_db):.1f}",
        f"{min(report.frame_ms):.0f}" if executed else "not run",
        status(report),
    )


def _document(report: ParityReport) -> dict[str, object]:
    manifest = report.manifest
    executed = report.mode == "executed"
    return {
        "artifact": str(report.artifact),
        "target": manifest.target,
        "precision": manifest.precision,
        "bytes": report.file_bytes,
        "scan": manifest.scan,
        "trained": manifest.trained,
        "runtime": report.runtime,
        "mode": report.mode,
        "bokeh_psnr_db": report.bokeh_psnr_db,
        "depth_sqnr_db": report.depth_sqnr_db,
        "state_sqnr_db": report.state_sqnr_db,
        "frame_ms": report.frame_ms if executed else None,
        "bar_db": report.bar_db,
        "passed": report.reached,
        "status": status(report),
    }
