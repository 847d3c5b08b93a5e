"""`bfx train`: one slice of a training run, and `bfx export-weights`: what it has come to."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bokehflow.cli.command_result import CommandResult
from bokehflow.cli.common_options import SkipBad
from bokehflow.cli.given import require_beside
from bokehflow.cli.interruption import SIGNAL_EXIT_BASE
from bokehflow.cli.output_paths import outside_artifacts, require_apart, require_not_within
from bokehflow.cli.terminal import progress_bar, text_table

if TYPE_CHECKING:
    from bokehflow.training import TrainReport

Config = Annotated[Path, typer.Argument(help="The run's config, as configs/nano.toml.")]
Data = Annotated[Path, typer.Option(metavar="DIR", help="Clips that `bfx data make` made.")]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="RUN",
        help="The run's folder. [default: runs/CONFIG's name]",
        callback=outside_artifacts,
    ),
]
Minutes = Annotated[
    float | None, typer.Option(help="Stop after so many minutes, with a checkpoint.")
]
ScanName = Annotated[
    str, typer.Option(metavar="cpu|triton|chunked", help="The form of the scan; triton is CUDA.")
]
PrecisionName = Annotated[
    str, typer.Option(metavar="fp32|bf16", help="What the network's matrix products run in.")
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on from the run's checkpoint, where it has one.")
]
NewConfig = Annotated[
    bool, typer.Option("--new-config", help="Go on although the config has changed.")
]
Workers = Annotated[int, typer.Option(help="Processes that make batches ahead, 0 for none.")]
Resident = Annotated[
    bool,
    typer.Option("--resident", help="Hold all clips on the device, and cut batches there."),
]


def train(
    config: Config,
    data: Data = Path("data"),
    out: Out = None,
    minutes: Minutes = None,
    scan: ScanName = "cpu",
    precision: PrecisionName = "fp32",
    resume: Resume = False,
    new_config: NewConfig = False,
    skip_bad: SkipBad = False,
    workers: Workers = 1,
    resident: Resident = False,
) -> CommandResult:
    """Train a variant, or go on with it.

    Ctrl-C saves a checkpoint and exits; so does --minutes. On several devices or machines, start
    it with torchrun: each process takes its share of every batch. Machines have to share --out.
    """
    from bokehflow.calibration.data.folder import find_clips
    from bokehflow.calibration.data.split import TRAIN
    from bokehflow.cli.memory import keep_freed_memory
    from bokehflow.training import TrainOptions, read_config
    from bokehflow.training import train as train_slice

    keep_freed_memory()
    run = read_config(config)
    folder = out or Path("runs") / config.stem
    options = TrainOptions(folder, scan, precision, minutes, resume, new_config, workers, resident)
    clips = find_clips(data, TRAIN, skip_bad=skip_bad, known=())
    with progress_bar("training", run.total_steps) as advance:
        report = train_slice(run, clips, options, advance)
    return CommandResult(
        {"run": folder, **dataclasses.asdict(report)} if report.leads else None,
        _text(report, folder) if report.leads else "",
        SIGNAL_EXIT_BASE + report.signal_number if report.signal_number else 0,
        [f"left out: {reason}" for reason in clips.unreadable],
    )


def export_weights(
    run: Annotated[Path, typer.Argument(help="The run's folder.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="The weights file to write.", callback=outside_artifacts
        ),
    ],
    mean_with: Annotated[
        Path | None,
        typer.Option(
            "--mean-with",
            metavar="WEIGHTS",
            help="Write the mean with these weights, best those that the run began with.",
        ),
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(
            "--share",
            min=0.0,
            max=1.0,
            help="How much the run counts in that mean. [default: 0.5]",
        ),
    ] = None,
) -> CommandResult:
    """Write a run's averaged weights as a weights file for `--weights`, in float16."""
    from bokehflow.training.changes import CHANGES
    from bokehflow.training.checkpoint import NAME
    from bokehflow.training.curves import CURVES
    from bokehflow.training.snapshot import EVEN_SHARE, FOLDER
    from bokehflow.training.snapshot import export_weights as write_weights

    for name in (NAME, CURVES, CHANGES):
        require_apart(output, run / name)
    # `bfx train --resume` drops snapshots of steps beyond the checkpoint's.
    require_not_within(output, run / FOLDER)
    if mean_with is not None:
        require_apart(output, mean_with)
    else:
        require_beside("--mean-with", {"--share": share})
    info = write_weights(run, output, mean_with, EVEN_SHARE if share is None else share)
    document = {"path": output, "bytes": output.stat().st_size, **dataclasses.asdict(info)}
    return CommandResult(document, f"{output}: {info.variant}, SHA-256 {info.sha256[:12]}...")


def _text(report: TrainReport, folder: Path) -> str:
    """What the slice did."""
    did_none = report.step == report.first_step
    without = "no step was left to do" if did_none else "every step was skipped"
    loss = without if report.loss is None else f"{report.loss:.4f}"
    rows = [
        ("steps done", f"{report.step} of {report.total_steps}, {report.first_step} before"),
        ("stopped", {"time": "out of time"}.get(report.stopped, report.stopped)),
        ("loss", loss),
        ("skipped steps", report.skipped),
        ("time a step", "-" if did_none else f"{report.seconds_per_step:.3f} s"),
        *([("changed since before", ", ".join(report.changed))] if report.changed else []),
    ]
    return text_table((str(folder), ""), rows)
