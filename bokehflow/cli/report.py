"""`bfx report`: what quantization costs and what it gains, as one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bokehflow.cli.command_result import CommandResult
from bokehflow.cli.common_options import Artifacts, SkipBad
from bokehflow.cli.given import given_names, or_default, require_alone, require_beside
from bokehflow.cli.terminal import progress_bar, text_table
from bokehflow.cli.untrained import untrained_warning
from bokehflow.defaults import EVALUATED_FILM_FRAMES, FILM_FRAMES, REPORT_CLIPS, TIMING_ROUNDS

Output = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="FILE", help="The page; .json and .md come beside it."),
]
Reference = Annotated[
    Path | None,
    typer.Option(
        metavar="ARTIFACT",
        help="Compare with this one. [default: the first in float32, or the model in PyTorch]",
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(
        help="Of the model in PyTorch, where it is the reference. [default: those that ship]"
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Held-out clips lie under it. [default: a few are made, in seconds]"
    ),
]
Images = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Photos for the film. [default: the packaged Motorcycle pair]"
    ),
]
Frames = Annotated[int, typer.Option(min=1, help="Frames of the film, the state carried.")]
Clips = Annotated[
    int | None,
    typer.Option(
        min=1, help=f"At most so many clips of each source of --data. [default: {REPORT_CLIPS}]"
    ),
]
EvaluatedFrames = Annotated[
    int,
    typer.Option(
        min=1, help="Frames of the film for Core ML packages away from macOS, which are slow."
    ),
]
LatencyFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="What bfx benchmark -o wrote, in place of timing here."),
]
Measure = Annotated[bool, typer.Option(help="Time the artifacts here, in rounds.")]
Rounds = Annotated[
    int | None,
    typer.Option(
        min=1, help=f"Rounds in which all artifacts are timed. [default: {TIMING_ROUNDS}]"
    ),
]
Check = Annotated[
    bool, typer.Option("--check", help="Exit code 1 where a bar is missed, or an artifact not run.")
]


def report(
    artifacts: Artifacts,
    output: Output = Path("report.html"),
    reference: Reference = None,
    weights: Weights = None,
    data: Data = None,
    images: Images = None,
    frames: Frames = FILM_FRAMES,
    clips: Clips = None,
    evaluated_frames: EvaluatedFrames = EVALUATED_FILM_FRAMES,
    latency: LatencyFile = None,
    measure: Measure = True,
    rounds: Rounds = None,
    skip_bad: SkipBad = False,
    check: Check = False,
) -> CommandResult:
    """Compare artifacts of one model: quality against float32 and against truth, size and time.

    The page opens from disk and needs no network. An artifact that cannot run here is a row with
    its reason.
    """
    from bokehflow.atomic import output_folder
    from bokehflow.benchmarks.report.files import require_report_files, write_report
    from bokehflow.benchmarks.report.run import prepare, run
    from bokehflow.benchmarks.report.settings import ReportConfig
    from bokehflow.benchmarks.report.tables import summary_table
    from bokehflow.export.artifacts.artifact import require_outside

    if data is None:
        require_beside("--data", {"--clips": clips, "--skip-bad": skip_bad})
    if rounds is not None:
        require_alone("--rounds", given_names({"--latency": latency, "--no-measure": not measure}))
    config = ReportConfig(
        tuple(artifacts),
        reference=reference,
        weights=weights,
        data=data,
        images=images,
        frames=frames,
        clips=or_default(clips, REPORT_CLIPS),
        evaluated_frames=evaluated_frames,
        latency=latency,
        measure=measure,
        rounds=or_default(rounds, TIMING_ROUNDS),
        skip_bad=skip_bad,
    )
    require_outside(output)
    with output_folder(output.parent):
        require_report_files(output)
        plan = prepare(config)
        with progress_bar("reporting", plan.steps) as advance:
            found, scenes = run(plan, advance)
        files = write_report(output, found, scenes)
    summary = summary_table(found)
    text = f"{text_table(summary.columns, summary.rows)}\n\nreport: {output}"
    return CommandResult(
        {**found.document(), "files": [str(path) for path in files]},
        text,
        exit_code=int(check and bool(found.missed or found.unjudged)),
        warnings=(
            *untrained_warning(found.trained),
            *(f"left out: {reason}" for reason in found.clips.left_out),
        ),
    )
