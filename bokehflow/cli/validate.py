"""`bfx validate`: does an artifact compute what the model computes?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bokehflow.cli.command_result import CommandResult
from bokehflow.cli.common_options import Artifacts, ArtifactWeights
from bokehflow.cli.failure import bokehflow_error_document
from bokehflow.cli.interruption import what_ended
from bokehflow.cli.partial import Ended, until_ended
from bokehflow.cli.streams import one_line
from bokehflow.cli.terminal import progress_bar, text_table
from bokehflow.cli.untrained import untrained_warning

if TYPE_CHECKING:
    from bokehflow.benchmarks.parity import ParityReport
    from bokehflow.errors import BokehFlowError
    from bokehflow.export import Artifact, Manifest

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
    artifacts: Artifacts,
    images: Annotated[
        Path | None,
        typer.Option(help="A folder of photos. [default: the packaged Motorcycle pair]"),
    ] = None,
    frames: Annotated[
        int, typer.Option(min=1, help="Frames to compare, the state carried between them.")
    ] = 2,
    weights: ArtifactWeights = None,
) -> CommandResult:
    """Compare artifacts with the PyTorch reference, frame by frame, with state carried.

    Exit code 1 if one misses the bar in its manifest on the worst frame's bokeh: 80 dB for fp32,
    50 dB for fp16, 40 dB for 8 bits. The result is written into each artifact's manifest; exit
    code 2 if one cannot be written. One that cannot be compared is a row with its reason, and its
    exit code the command's where that is higher. What was found before an interrupt is shown.
    """
    with progress_bar("validating", len(artifacts)) as advance:
        found, ended = until_ended(_judge_each(artifacts, images, frames, weights, advance))
    judged = [outcome for outcome, _ in found]
    unwritten = [line for _, lines in found for line in lines]
    # What took minutes to find is still shown.
    rest = [ended.warning(len(judged), len(artifacts), "artifacts")] if ended else []
    return CommandResult(
        {
            "passed": ended is None and all(outcome.reached for outcome in judged),
            "frames": frames,
            "artifacts": [_document(one) for one in judged],
            "ended": ended and ended.reason,
        },
        text_table(COLUMNS, [_row(one) for one in judged]),
        exit_code=_exit_code(judged, unwritten, ended),
        warnings=(
            *untrained_warning(all(one.manifest.trained for one in judged if one.manifest)),
            *unwritten,
            *rest,
        ),
    )


@dataclass(frozen=True, slots=True)
class _NotJudged:
    """An artifact that could not be compared. artifact, file_bytes: as `ParityReport` has them;
    file_bytes, manifest: None for one that could not be opened."""

    artifact: Path
    file_bytes: int | None
    manifest: Manifest | None
    error: BokehFlowError
    reached: bool = False


def _exit_code(
    judged: Sequence[ParityReport | _NotJudged], unwritten: Sequence[str], ended: Ended | None
) -> int:
    """The highest of what was found and of what could not be done."""
    from bokehflow.errors import OutputError

    codes = [int(not all(outcome.reached for outcome in judged))]
    codes += [outcome.error.exit_code for outcome in judged if isinstance(outcome, _NotJudged)]
    codes += [OutputError.exit_code] if unwritten else []
    codes += [ended.exit_code] if ended else []
    return max(codes)


def _judge_each(
    artifacts: Sequence[Path],
    images: Path | None,
    frames: int,
    weights: Path | None,
    advance: Callable[[], None],
) -> Iterator[tuple[ParityReport | _NotJudged, Sequence[str]]]:
    """What was found of each artifact, and what is to be told where that could not be written down.

    Raises the error of an artifact that is the only one.
    """
    for path in artifacts:
        yield _judge(path, images, frames, weights, alone=len(artifacts) == 1)
        advance()


def _judge(
    path: Path, images: Path | None, frames: int, weights: Path | None, *, alone: bool
) -> tuple[ParityReport | _NotJudged, Sequence[str]]:
    from bokehflow.errors import BokehFlowError, NumericalError, OutputError
    from bokehflow.export import load_artifact

    artifact = None
    try:
        artifact = load_artifact(path)
        report = _compared(artifact, images, frames, weights)
        return report, _record(artifact, report)
    except BokehFlowError as error:
        unwritten = []
        if artifact and isinstance(error, NumericalError):
            unwritten = _forget_parity(artifact)
        # No place to work in is none for the others either, and a signal ends them all.
        if alone or isinstance(error, OutputError) or what_ended(error) is not error:
            raise
        # What the others are like is still shown.
        return _not_judged(path, artifact, error), unwritten


def _compared(
    artifact: Artifact, images: Path | None, frames: int, weights: Path | None
) -> ParityReport:
    from bokehflow.benchmarks.parity import check_parity
    from bokehflow.calibration.frames import validation_frames
    from bokehflow.runtimes.reference import reference_session

    manifest = artifact.manifest
    pictures = validation_frames(manifest.frame_size, frames, images)
    return check_parity(artifact, pictures, reference_session(manifest, weights))


def _not_judged(path: Path, artifact: Artifact | None, error: BokehFlowError) -> _NotJudged:
    if artifact is None:
        return _NotJudged(path, None, None, error)
    return _NotJudged(artifact.given, artifact.file_bytes, artifact.manifest, error)


def _record(artifact: Artifact, report: ParityReport) -> list[str]:
    """Write what was measured into the manifest; what is to be told where that fails."""
    from bokehflow.benchmarks.parity import record_parity
    from bokehflow.errors import OutputError

    try:
        record_parity(artifact, report)
    except OutputError as error:
        # What took minutes to measure is still shown.
        return [f"{error.found}; what was measured is not in the manifest"]
    return []


def _forget_parity(artifact: Artifact) -> list[str]:
    """Take away what was measured before and no longer holds; what is to be told if it stays."""
    from bokehflow.errors import OutputError

    try:
        artifact.with_parity(None)
    except OutputError as error:
        return [f"{error.found}; its manifest keeps what was measured before"]
    return []


def status(found: ParityReport | _NotJudged) -> str:
    """Passed or not, and why."""
    if isinstance(found, _NotJudged):
        return f"FAILED: {one_line(str(found.error))}"
    verdict = "ok" if found.reached else "FAILED"
    sign = ">=" if found.reached else "<"
    how = "" if found.mode == "executed" else f", {found.mode}"
    return f"{verdict}: worst frame {found.worst_bokeh_db:.1f} dB {sign} {found.bar_db:g} dB{how}"


def _row(found: ParityReport | _NotJudged) -> Sequence[object]:
    manifest, size = found.manifest, found.file_bytes
    head = (
        f"{manifest.target} {manifest.precision}" if manifest else "-",
        found.artifact.name,
        "-" if size is None else f"{size / 1e6:.1f} MB",
        manifest.lowering if manifest else "-",
    )
    if isinstance(found, _NotJudged):
        return (*head, "-", "-", "-", "-", status(found))
    executed = found.mode == "executed"
    return (
        *head,
        found.runtime if executed else f"{found.runtime} ({found.mode})",
        f"{found.worst_bokeh_db:.1f}",
        f"{min(found.depth_sqnr_db):.1f}",
        f"{min(found.frame_ms):.0f}" if executed else "not run",
        status(found),
    )


def _document(found: ParityReport | _NotJudged) -> dict[str, object]:
    manifest = found.manifest
    return {
        "artifact": str(found.artifact),
        "target": manifest.target if manifest else None,
        "precision": manifest.precision if manifest else None,
        "bytes": found.file_bytes,
        "scan": manifest.scan if manifest else None,
        "trained": manifest.trained if manifest else None,
        **(_unmeasured(found) if isinstance(found, _NotJudged) else _measured(found)),
        "bar_db": manifest.budget.parity_db if manifest else None,
        "passed": found.reached,
        "status": status(found),
    }


def _measured(report: ParityReport) -> dict[str, object]:
    return {
        "runtime": report.runtime,
        "mode": report.mode,
        "bokeh_psnr_db": report.bokeh_psnr_db,
        "depth_sqnr_db": report.depth_sqnr_db,
        "state_sqnr_db": report.state_sqnr_db,
        "frame_ms": report.frame_ms if report.mode == "executed" else None,
        "error": None,
    }


def _unmeasured(found: _NotJudged) -> dict[str, object]:
    """The fields of `_measured` where nothing was."""
    names = ("runtime", "mode", "bokeh_psnr_db", "depth_sqnr_db", "state_sqnr_db", "frame_ms")
    return {**dict.fromkeys(names), **bokehflow_error_document(found.error)}
