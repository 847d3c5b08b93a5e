"""The report as rows of text, for a terminal and for Markdown alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bokehflow.benchmarks.checks import Check, check_table
from bokehflow.benchmarks.quality.imperfect_depth import DepthLoss
from bokehflow.benchmarks.quality.run import RendererReport
from bokehflow.benchmarks.quality.score_renderer import REGIONS
from bokehflow.benchmarks.tables import NONE, Row, Table, fixed, psnr_and_ssim


def all_tables(reports: Mapping[str, RendererReport], checks: Sequence[Check]) -> list[Table]:
    """Every table of a report; one without rows is left out."""
    tables = [
        score_table(reports),
        scene_table(reports),
        step_table(reports),
        light_table(reports),
        depth_table(reports),
        speed_table(reports),
        check_table(checks),
    ]
    return [table for table in tables if table.rows]


def score_table(reports: Mapping[str, RendererReport]) -> Table:
    """PSNR and SSIM by region, energy and time: means over the scenes."""
    rows = []
    for name, report in reports.items():
        mean = report.score.mean
        row = (
            name,
            *(psnr_and_ssim(*region) for region in mean.regions),
            f"{100 * mean.energy_error:.2f} %",
            f"{report.score.seconds_per_frame:.3f}",
        )
        rows.append(row)
    columns = ("PSNR dB / SSIM", *REGIONS, "energy error", "s per frame")
    return Table("Against exact truth, mean of the scenes", columns, rows)


def scene_table(reports: Mapping[str, RendererReport]) -> Table:
    """Overall and edge-band PSNR of every scene."""
    scenes = list(next(iter(reports.values())).score.by_scene) if reports else []
    rows = []
    for name, report in reports.items():
        scores = report.score.by_scene.values()
        cells = (
            f"{score.overall.psnr_db:.1f} / {fixed(score.edge.psnr_db if score.edge else None, 1)}"
            for score in scores
        )
        rows.append((name, *cells))
    return Table("Each scene, overall / edge band", ("PSNR dB", *scenes), rows)


def step_table(reports: Mapping[str, RendererReport]) -> Table:
    """Worst errors at a straight depth edge, by blur radius."""
    rows = []
    for name, report in reports.items():
        worst = [
            max(getattr(step, field) for step in report.steps)
            for field in ("far_leak", "halo", "spill_outside", "spill_inside")
        ]
        rows.append((name, *(f"{value:.3f}" for value in worst)))
    columns = ("error / contrast", "far leak", "halo", "near spill outside", "near spill inside")
    radii = ", ".join(f"{step.radius_px:g}" for step in next(iter(reports.values())).steps)
    return Table(f"Half-planes, worst of r = {radii} px", columns, rows)


def light_table(reports: Mapping[str, RendererReport]) -> Table:
    """Largest relative errors of light."""
    rows = []
    for name, report in reports.items():
        light = report.light
        values = (
            light.flat_field,
            light.flat_colour,
            light.impulse,
            light.pull_frame,
            light.pull_block,
            light.pull_contrast,
        )
        rows.append((name, *(f"{100 * value:.3f} %" for value in values)))
    columns = (
        "largest error",
        "flat field",
        "flat colour, real depth",
        "impulse energy",
        "pull: frame jump",
        "pull: block jump",
        "pull: contrast jump",
    )
    return Table("Light kept, blur radius 0 to 75 px; focus pull 0 to 3 px", columns, rows)


def depth_table(reports: Mapping[str, RendererReport]) -> Table:
    """What damaged depth costs and what edge-aware upsampling wins back."""
    rows = []
    for name, report in reports.items():
        for study in report.depth_studies:
            for region, loss in (("overall", study.overall), ("edge band", study.edge)):
                rows.append((f"{name}, {study.damage}, {region}", *_loss_cells(loss)))
    columns = ("PSNR dB", "exact", "damaged", "edge-aware", "won back")
    return Table("Imperfect depth", columns, rows)


def speed_table(reports: Mapping[str, RendererReport]) -> Table:
    """Seconds a frame of the renderer that is exported, eager torch, on the machine of the run."""
    rows = []
    for name, report in reports.items():
        for time in report.speed:
            size = f"{time.width}x{time.height}, radius {time.radius_px:g} px"
            cells = (f"{time.median_s:.3f}", f"{time.least_s:.3f}", str(time.threads))
            rows.append((f"{name}, {size}", *cells))
    return Table("Seconds a frame", ("eager torch", "median", "least", "threads"), rows)


def _loss_cells(loss: DepthLoss) -> Row:
    share = NONE if loss.won_back is None else f"{100 * loss.won_back:.0f} %"
    return (
        *(f"{value:.2f}" for value in (loss.exact_db, loss.damaged_db, loss.edge_aware_db)),
        share,
    )
