"""A report as tables: for the page, for Markdown and for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bokehflow.benchmarks.checks import check_table
from bokehflow.benchmarks.quality.score_renderer import MeanScore
from bokehflow.benchmarks.report.cells import (
    NONE,
    NOT_RUN,
    decibels,
    figure,
    flicker,
    kind,
    megabytes,
    milliseconds,
    pair,
    percent_change,
)
from bokehflow.benchmarks.report.document import Report, RowReport
from bokehflow.benchmarks.report.recorded_tables import recorded_tables
from bokehflow.benchmarks.tables import Row, Table

REFERENCE = "reference"


def all_tables(report: Report) -> list[Table]:
    """Every table, one without rows left out."""
    tables = [
        summary_table(report),
        against_reference_table(report),
        against_truth_table(report),
        region_table(report, "the reference", lambda row: row.film.bokeh if row.film else None),
        region_table(report, "truth", lambda row: row.truth.bokeh if row.truth else None),
        cost_table(report),
        bar_table(report),
        *(table for row in report.rows for table in recorded_tables(row)),
    ]
    return [table for table in tables if table.rows]


def summary_table(report: Report) -> Table:
    """One line an artifact: what it is, how far from the reference and truth, what it costs."""
    columns = ("#", "format", "size", "bokeh, dB", "loss, dB", "ms", "status")
    rows = [
        (
            str(row.number),
            kind(row),
            megabytes(row.artifact.bytes),
            _worst(row),
            _loss(row, report.rows[0]),
            figure(row.latency.p50_ms, 1) if row.latency.how == "measured" else NOT_RUN,
            row.status,
        )
        for row in report.rows
    ]
    return Table(
        "Summary (bokeh: worst frame against the reference; loss: bokeh PSNR against truth)",
        columns,
        rows,
    )


def against_reference_table(report: Report) -> Table:
    """Figures on the photo film."""
    columns = (
        "#",
        "frames",
        "bokeh worst, dB",
        "bokeh mean, dB / SSIM",
        "depth AbsRel",
        "depth delta1",
        "inverse depth worst, dB",
        "state worst, dB",
        "flicker, levels",
        "how",
    )
    rows = [_film_row(row) for row in report.rows]
    return Table("Against the reference, real photos, state carried", columns, rows)


def _film_row(row: RowReport) -> Row:
    film = row.film
    if film is None:
        return (str(row.number), *(NONE for _ in range(8)), NOT_RUN)
    frames = str(len(film.bokeh_psnr_db))
    if row.is_reference:
        return (
            str(row.number),
            frames,
            REFERENCE,
            *(NONE for _ in range(5)),
            flicker(film.flicker),
            row.how,
        )
    return (
        str(row.number),
        frames,
        decibels(film.worst_bokeh_db),
        pair(film.bokeh.overall_psnr_db, film.bokeh.overall_ssim),
        figure(film.depth.abs_rel if film.depth else None, 4),
        figure(film.depth.delta1 if film.depth else None, 4),
        decibels(min(film.depth_sqnr_db)),
        decibels(min(film.state_sqnr_db)),
        flicker(film.flicker),
        row.how,
    )


def against_truth_table(report: Report) -> Table:
    """Figures on clips with truth, and what was lost against the reference's."""
    columns = (
        "#",
        "clips",
        "bokeh, dB / SSIM",
        "lost, dB",
        "depth AbsRel",
        "change",
        "depth delta1",
        "flicker, levels",
        "flicker of depth error",
        "how",
    )
    rows = [_truth_row(row, report.rows[0]) for row in report.rows]
    return Table("Against truth, held-out clips", columns, rows)


def _truth_row(row: RowReport, reference: RowReport) -> Row:
    truth = row.truth
    if truth is None:
        return (str(row.number), *(NONE for _ in range(8)), NOT_RUN)
    bokeh, depth, moving = truth.bokeh, truth.depth, truth.flicker
    before = reference.truth.depth if reference.truth else None
    return (
        str(row.number),
        str(truth.clips),
        NONE if bokeh is None else f"{bokeh.overall_psnr_db:.2f} / {bokeh.overall_ssim:.4f}",
        _loss(row, reference),
        figure(depth.abs_rel if depth else None, 4),
        NONE if depth is None or before is None else percent_change(depth.abs_rel, before.abs_rel),
        figure(depth.delta1 if depth else None, 4),
        flicker(moving),
        figure(moving.log_depth_error if moving else None, 4),
        row.how,
    )


def region_table(
    report: Report, against: str, of: Callable[[RowReport], MeanScore | None]
) -> Table:
    """Bokeh split by where it is: at depth edges, in focus, elsewhere."""
    rows = []
    for row in report.rows:
        score = None if row.is_reference and against != "truth" else of(row)
        if score is not None:
            rows.append(
                (
                    str(row.number),
                    pair(score.overall_psnr_db, score.overall_ssim),
                    pair(score.edge_psnr_db, score.edge_ssim),
                    pair(score.in_focus_psnr_db, score.in_focus_ssim),
                    pair(score.elsewhere_psnr_db, score.elsewhere_ssim),
                )
            )
    columns = ("#", "all", "depth edges", "in focus", "rest")
    return Table(f"Bokeh by region against {against}, PSNR dB / SSIM", columns, rows)


def cost_table(report: Report) -> Table:
    """Size, time and memory."""
    columns = (
        "#",
        "file",
        "size",
        "runtime",
        "ms p50 / p90",
        "over float32",
        "process",
        "model",
        "how",
    )
    rows = []
    for row in report.rows:
        latency, artifact = row.latency, row.artifact
        how = latency.how if latency.reason is None else f"{latency.how}: {latency.reason}"
        rows.append(
            (
                str(row.number),
                artifact.name,
                megabytes(artifact.bytes),
                f"{artifact.runtime} {artifact.version}".strip(),
                milliseconds(latency.p50_ms, latency.p90_ms),
                figure(latency.time_ratio, 2),
                megabytes(latency.process_peak_bytes),
                megabytes(latency.model_peak_bytes),
                how,
            )
        )
    return Table("Size, time and memory", columns, rows)


def bar_table(report: Report) -> Table:
    """Every bar that was answered."""
    rows: list[Row] = []
    for row in report.rows:
        found = check_table(row.checks).rows
        rows += [(str(row.number), *cells) for cells in found]
    return Table("Bars", ("#", "bar", "measured", "wanted", "holds"), rows)


def frame_table(report: Report) -> Table:
    """Bokeh against the reference, a line a frame of the film."""
    shown = [row for row in report.rows if row.film and not row.is_reference]
    frames = max((len(row.film.bokeh_psnr_db) for row in shown if row.film), default=0)
    lines = [(str(n + 1), *(_of_frame(row, n) for row in shown)) for n in range(frames)]
    columns = ("frame", *(row.short_name for row in shown))
    return Table("Bokeh PSNR against the reference by frame, dB", columns, lines)


def _of_frame(row: RowReport, index: int) -> str:
    values: Sequence[float] = row.film.bokeh_psnr_db if row.film else ()
    return decibels(values[index]) if index < len(values) else NOT_RUN


def _worst(row: RowReport) -> str:
    if row.is_reference:
        return REFERENCE
    return NOT_RUN if row.film is None else decibels(row.film.worst_bokeh_db)


def _loss(row: RowReport, reference: RowReport) -> str:
    if row.truth is None or reference.truth is None:
        return NOT_RUN
    own, before = row.truth.bokeh, reference.truth.bokeh
    if own is None or before is None or row.is_reference:
        return NONE
    return f"{before.overall_psnr_db - own.overall_psnr_db:+.2f}"
