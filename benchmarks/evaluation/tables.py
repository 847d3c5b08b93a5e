"""An evaluation as tables, for a terminal and for Markdown alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from bokehflow.benchmarks.checks import Check, check_table
from bokehflow.benchmarks.evaluation.depth_scores import DepthScore
from bokehflow.benchmarks.evaluation.flicker import FlickerScore
from bokehflow.benchmarks.evaluation.held_out import BokehMean, GroupReport
from bokehflow.benchmarks.evaluation.real_pairs import DisparityScore
from bokehflow.benchmarks.evaluation.run import Evaluation
from bokehflow.benchmarks.evaluation.trend import TrendPoint
from bokehflow.benchmarks.quality.score_renderer import REGIONS
from bokehflow.benchmarks.tables import Row, Table, fixed, psnr_and_ssim

_DEPTH_FIGURES = (
    ("abs_rel", "AbsRel", 3),
    ("rmse_m", "RMSE m", 2),
    ("silog", "SILog", 1),
    ("delta1", "delta1", 3),
    ("aligned_abs_rel", "aligned AbsRel", 3),
    ("aligned_rmse_m", "aligned RMSE m", 2),
    ("aligned_delta1", "aligned delta1", 3),
    ("scaled_abs_rel", "scaled AbsRel", 3),
    ("scaled_delta1", "scaled delta1", 3),
    ("edge_f1", "edge F1", 3),
)
"""Fields of `DepthScore`, what they are called, and with how many digits they are shown."""
DEPTH_COLUMNS = tuple(heading for _, heading, _ in _DEPTH_FIGURES)
HOW_ALIGNED = "aligned: to the truth's median; scaled: by the median of truth / map"
FLICKER_COLUMNS = ("bokeh, levels", "log depth", "error of log depth")


def all_tables(evaluation: Evaluation, checks: Sequence[Check]) -> list[Table]:
    """Every table of an evaluation; one without rows is left out."""
    tables = [
        *(depth_table(name, report) for name, report in evaluation.held_out.items()),
        *(bokeh_table(name, report) for name, report in evaluation.held_out.items()),
        motorcycle_table(evaluation.motorcycle),
        aloe_table(evaluation.aloe),
        flicker_table(
            f"Flicker on {evaluation.film_count} held-out films, flow known", evaluation.films
        ),
        *(
            flicker_table(f"Flicker on {name}, flow estimated", scores)
            for name, scores in evaluation.videos.items()
        ),
        trend_table(evaluation.trend),
        check_table(checks),
    ]
    return [table for table in tables if table.rows]


def depth_table(group: str, report: GroupReport) -> Table:
    """Depth of one group of stills."""
    title = f"Depth on {report.telling} held-out stills, {group} ({HOW_ALIGNED})"
    return Table(title, (group, *DEPTH_COLUMNS), _depth_rows(report.depth))


def motorcycle_table(scores: Mapping[str, DepthScore]) -> Table:
    """Depth of the Motorcycle."""
    title = f"Depth on the Middlebury Motorcycle ({HOW_ALIGNED})"
    return Table(title, ("motorcycle", *DEPTH_COLUMNS), _depth_rows(scores))


def aloe_table(scores: Mapping[str, DisparityScore]) -> Table:
    """Inverse depth of the Aloe."""
    rows = [
        (name, f"{one.abs_rel:.3f}", f"{one.delta1:.3f}", fixed(one.correlation))
        for name, one in scores.items()
    ]
    title = "Inverse depth on the Middlebury Aloe (no calibration: best scale and shift)"
    return Table(title, ("aloe", "AbsRel", "delta1", "correlation"), rows)


def bokeh_table(group: str, report: GroupReport) -> Table:
    """Bokeh of one group of stills, by region."""
    rows = [(name, *_bokeh_cells(mean)) for name, mean in report.bokeh.items()]
    title = (
        f"Bokeh on {report.stills} held-out stills, {group}, PSNR dB / SSIM against thin-lens truth"
    )
    return Table(title, (group, *REGIONS, "perceptual"), rows)


def flicker_table(title: str, scores: Mapping[str, FlickerScore]) -> Table:
    """Warped temporal error by mode."""
    rows = [
        (
            name,
            f"{score.bokeh_levels:.3f}",
            f"{score.log_depth:.4f}",
            fixed(score.log_depth_error, 4),
        )
        for name, score in scores.items()
    ]
    return Table(title, ("mode", *FLICKER_COLUMNS), rows)


def trend_table(points: Sequence[TrendPoint]) -> Table:
    """One row a snapshot."""
    rows = [
        (
            str(point.step),
            f"{point.aligned_abs_rel:.4f}",
            f"{point.aligned_delta1:.4f}",
            f"{point.silog:.2f}",
            f"{point.end_to_end_psnr_db:.2f}",
        )
        for point in points
    ]
    columns = ("step", "aligned AbsRel", "aligned delta1", "SILog", "end-to-end PSNR dB")
    return Table("Snapshots of the run", columns, rows)


def depth_cells(score: Mapping[str, float | None]) -> Row:
    """A `DepthScore`, as a record holds it, under DEPTH_COLUMNS."""
    return tuple(fixed(score.get(field), digits) for field, _, digits in _DEPTH_FIGURES)


def _depth_rows(scores: Mapping[str, DepthScore]) -> list[Row]:
    return [(name, *depth_cells(asdict(one))) for name, one in scores.items()]


def _bokeh_cells(mean: BokehMean) -> Row:
    regions = (psnr_and_ssim(*region) for region in mean.score.regions)
    return (*regions, f"{mean.perceptual:.3f}")
