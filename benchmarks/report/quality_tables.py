"""How far each artifact is from the reference and from truth, as tables."""

from __future__ import annotations

from collections.abc import Callable

from bokehflow.benchmarks.quality.score_renderer import MeanScore
from bokehflow.benchmarks.report.cells import (
    decibels,
    flicker,
    pair,
    percent_change,
)
from bokehflow.benchmarks.report.document import Report, RowReport
from bokehflow.benchmarks.tables import NONE, NOT_RUN, Row, Table, fixed

REFERENCE = "reference"


def against_reference_table(report: Report) -> Table:
    """Figures on the photo film: of all its frames, then of those that are looked at closely."""
    columns = (
        "#",
        "frames",
        "bokeh worst, dB",
        "bokeh mean, dB",
        "inverse depth worst, dB",
        "state worst, dB",
        "flicker, levels",
        "of them closely",
        "SSIM",
        "depth AbsRel",
        "depth delta1",
        "how",
    )
    rows = [_film_row(row) for row in report.rows]
    return Table("Against the reference, real photos, state carried", columns, rows)


def _film_row(row: RowReport) -> Row:
    film = row.film
    if film is None:
        return (str(row.number), *(NONE for _ in range(10)), NOT_RUN)
    frames = str(len(film.bokeh_psnr_db))
    if row.is_reference:
        return (
            str(row.number),
            frames,
            REFERENCE,
            *(NONE for _ in range(3)),
            flicker(film.flicker),
            *(NONE for _ in range(4)),
            row.how,
        )
    return (
        str(row.number),
        frames,
        decibels(film.worst_bokeh_db),
        decibels(film.mean_bokeh_db),
        decibels(min(film.depth_sqnr_db)),
        decibels(min(film.state_sqnr_db)),
        flicker(film.flicker),
        str(len(film.scored)),
        fixed(film.bokeh.overall_ssim, 4),
        fixed(film.depth.abs_rel if film.depth else None, 4),
        fixed(film.depth.delta1 if film.depth else None, 4),
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
        loss_cell(row, reference),
        fixed(depth.abs_rel if depth else None, 4),
        NONE if depth is None or before is None else percent_change(depth.abs_rel, before.abs_rel),
        fixed(depth.delta1 if depth else None, 4),
        flicker(moving),
        fixed(moving.log_depth_error if moving else None, 4),
        row.how,
    )


def region_table(
    report: Report, against: str, of: Callable[[RowReport], MeanScore | None]
) -> Table:
    """Bokeh split by where it is: at depth edges, in focus, elsewhere; on the film, of the frames
    that are looked at closely."""
    frames = "" if against == "truth" else ", frames looked at closely"
    rows = []
    for row in report.rows:
        score = None if row.is_reference and against != "truth" else of(row)
        if score is not None:
            rows.append((str(row.number), *(pair(*region) for region in score.regions)))
    columns = ("#", "all", "depth edges", "in focus", "rest")
    return Table(f"Bokeh by region against {against}{frames}, PSNR dB / SSIM", columns, rows)


def loss_cell(row: RowReport, reference: RowReport) -> str:
    """PSNR of bokeh against truth that was lost against the reference's, with its sign."""
    if row.truth is None or reference.truth is None:
        return NOT_RUN
    own, before = row.truth.bokeh, reference.truth.bokeh
    if own is None or before is None or row.is_reference:
        return NONE
    # Adding 0 turns what rounds to -0.00 into 0.
    return f"{round(before.overall_psnr_db - own.overall_psnr_db, 2) + 0.0:+.2f}"
