"""`bfx evaluate`: depth, bokeh and steadiness of a set of weights, beside blind baselines."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bokehflow.cli.command_result import CommandResult
from bokehflow.cli.common_options import NetworkSize, SkipBad, VariantName, Weights
from bokehflow.cli.given import require_beside
from bokehflow.cli.results import require_results_folder, tables_text
from bokehflow.cli.terminal import progress_bar
from bokehflow.cli.untrained import untrained_warning
from bokehflow.defaults import EVALUATION_PAIRS, EVALUATION_SCAN, TREND_STILLS, VARIANT
from bokehflow.specs import MOBILE_PROFILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from bokehflow.benchmarks.evaluation.run import EvaluationConfig, Plan

NAME = "evaluation"
"""Of the result files."""
SHEET_NAME = "contact_sheet.jpg"
ALL_PAIRS = ",".join(EVALUATION_PAIRS)

Data = Annotated[Path, typer.Option(metavar="DIR", help="Held-out clips lie under it.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="DIR",
        help=f"Write {NAME}.json, {NAME}.md and {SHEET_NAME} there.",
    ),
]
Limit = Annotated[int | None, typer.Option(help="At most so many stills and films of each source.")]
ScanName = Annotated[
    str, typer.Option(metavar="chunked|cpu", help="The form of the scan; cpu needs Numba.")
]
Pairs = Annotated[
    str,
    typer.Option(
        metavar="NAME,NAME",
        help="Real photos with measured depth: motorcycle, aloe, or none. aloe needs Debian's "
        "package opencv-doc.",
    ),
]
Photos = Annotated[
    list[Path] | None,
    typer.Option(metavar="DIR", help="More photos for the contact sheet; may be repeated."),
]
Videos = Annotated[
    list[Path] | None,
    typer.Option("--video", metavar="FILE", help="Flicker on a real video; may be repeated."),
]
Snapshots = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Follow a run: its snapshots, on the same few stills each; or an evaluation.json that "
        "did, to keep its scores.",
    ),
]
TrendLimit = Annotated[int, typer.Option(help="Stills of each source for every snapshot.")]


def evaluate(
    data: Data = Path("data"),
    variant: VariantName = VARIANT,
    weights: Weights = None,
    output: Output = None,
    limit: Limit = None,
    network_size: NetworkSize = MOBILE_PROFILE,
    scan: ScanName = EVALUATION_SCAN,
    pairs: Pairs = ALL_PAIRS,
    photos: Photos = None,
    video: Videos = None,
    snapshots: Snapshots = None,
    trend_limit: TrendLimit = TREND_STILLS,
    skip_bad: SkipBad = False,
) -> CommandResult:
    """Measure a set of weights on held-out clips and real photos, in float32.

    Depth against truth and blind baselines, bokeh against thin-lens truth, flicker with and without
    the carried state. Exit code 1 when a promised bar is missed.
    """
    from bokehflow.benchmarks.evaluation.run import EvaluationConfig

    config = EvaluationConfig(
        data,
        variant=variant,
        weights=weights,
        network_size=network_size,
        scan=scan,
        limit=limit,
        pairs=() if pairs == "none" else tuple(name.strip() for name in pairs.split(",")),
        videos=tuple(video or ()),
        snapshots=snapshots,
        trend_limit=trend_limit,
        skip_bad=skip_bad,
    )
    return _measure(config, output, photos or [])


def _measure(
    config: EvaluationConfig, output: Path | None, folders: Sequence[Path]
) -> CommandResult:
    """Measure, write what was asked for, and say it."""
    from bokehflow.benchmarks.evaluation.bars import check_bars
    from bokehflow.benchmarks.evaluation.photos import photo_count
    from bokehflow.benchmarks.evaluation.report import evaluation_document
    from bokehflow.benchmarks.evaluation.run import prepare, run
    from bokehflow.benchmarks.evaluation.tables import all_tables
    from bokehflow.benchmarks.results_file import write_results

    if output is None:
        require_beside("-o", {"--photos": folders or None})
    photos = photo_count(folders)
    if output is not None:
        require_results_folder(output, NAME)
    started = time.perf_counter()
    plan = prepare(config)
    with progress_bar("evaluating", plan.steps) as advance:
        evaluation = run(plan, advance)
    checks = check_bars(evaluation)
    tables = all_tables(evaluation, checks)
    document = evaluation_document(plan, evaluation, checks, time.perf_counter() - started)
    if output is not None:
        # Before the sheet, which takes minutes, and which it names once it is there.
        write_results(output, NAME, document, tables)
        _write_sheet(plan, output / SHEET_NAME, folders, photos)
        document |= {"contact_sheet": {"file": SHEET_NAME, "photos": photos}}
        write_results(output, NAME, document, tables)
    return CommandResult(
        document,
        tables_text(tables),
        int(any(check.holds is False for check in checks)),
        [
            *untrained_warning(evaluation.weights.trained),
            *(f"left out: {reason}" for reason in plan.left_out),
        ],
    )


def _write_sheet(plan: Plan, path: Path, folders: Sequence[Path], photos: int) -> None:
    """Real photos with their depth and bokeh, for people."""
    from bokehflow.benchmarks.evaluation.contact_sheet import photo_row, write_contact_sheet
    from bokehflow.benchmarks.evaluation.photos import real_photos

    with progress_bar("photos", photos) as advance:

        def rows() -> Iterator[tuple[str, list[Tensor]]]:
            for name, photo in real_photos(folders):
                yield name, photo_row(plan.sight.model, photo)
                advance()

        write_contact_sheet(path, rows())
