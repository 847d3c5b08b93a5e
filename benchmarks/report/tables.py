"""A report as tables: for the page, for Markdown and for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from bokehflow.benchmarks.checks import CHECK_COLUMNS, check_table
from bokehflow.benchmarks.report.cells import (
    decibels,
    megabytes,
    milliseconds,
)
from bokehflow.benchmarks.report.document import Report, RowReport
from bokehflow.benchmarks.report.part_table import part_tables
from bokehflow.benchmarks.report.quality_tables import (
    REFERENCE,
    against_reference_table,
    against_truth_table,
    loss_cell,
    region_table,
)
from bokehflow.benchmarks.report.recorded_tables import recorded_tables
from bokehflow.benchmarks.tables import NOT_RUN, Row, Table, fixed


def all_tables(report: Report) -> list[Table]:
    """Every table, one without rows left out."""
    tables = [
        summary_table(report),
        against_reference_table(report),
        against_truth_table(report),
        region_table(report, "the reference", lambda row: row.film.bokeh if row.film else None),
        region_table(report, "truth", lambda row: row.truth.bokeh if row.truth else None),
        cost_table(report),
        *(table for row in report.rows for table in part_tables(row)),
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
            row.artifact.kind,
            megabytes(row.artifact.bytes),
            _worst(row),
            loss_cell(row, report.rows[0]),
            fixed(row.latency.p50_ms, 1) if row.latency.how == "measured" else NOT_RUN,
            row.status,
        )
        for row in report.rows
    ]
    return Table(
        "Summary (bokeh: worst frame against the reference; loss: bokeh PSNR against truth)",
        columns,
        rows,
    )


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
                fixed(latency.time_ratio, 2),
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
    return Table("Bars", ("#", *CHECK_COLUMNS), rows)


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
