"""What the renderer has promised, checked against a report.

Bars that are means over scenes hold for the whole default set only and are left out of smaller
runs; so is every bar whose renderers were not measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bokehflow.benchmarks.checks import Check, at_least, at_most
from bokehflow.benchmarks.quality.renderers import NO_BLUR
from bokehflow.benchmarks.quality.run import QualityConfig, RendererReport
from bokehflow.calibration.scenes import SCENE_KINDS
from bokehflow.defaults import QUALITY_SIZE_PX

RIVALS = ("bin-and-blur", "naive gather")
LEAD_OVERALL_DB = 2.0
LEAD_EDGE_DB = 3.0
MOBILE_BELOW_BEST_DB = 0.7
IN_FOCUS_DB = 38.0
IN_FOCUS_BELOW_NO_BLUR_DB = 0.5
LEAK = 0.005
SPILL = {"mobile": 0.05, "best": 0.02}
FLAT_FIELD = 1e-3
IMPULSE = 1e-2
PULL_JUMP = 2e-3
WON_BACK = 0.5


def check_bars(config: QualityConfig, reports: Mapping[str, RendererReport]) -> list[Check]:
    """Every bar that this report can answer."""
    checks = [*_chart_bars(reports)]
    whole = set(config.scene_kinds) == set(SCENE_KINDS)
    if whole and (config.height, config.width) == QUALITY_SIZE_PX and "best" in reports:
        checks += [*_scene_bars(reports)]
    return checks


def _scene_bars(reports: Mapping[str, RendererReport]) -> Iterator[Check]:
    best = reports["best"].score.mean
    for rival in RIVALS:
        if rival not in reports:
            continue
        mean = reports[rival].score.mean
        lead = best.overall_psnr_db - mean.overall_psnr_db
        yield at_least(f"best above {rival}, overall dB", lead, LEAD_OVERALL_DB)
        lead = (best.edge_psnr_db or 0.0) - (mean.edge_psnr_db or 0.0)
        yield at_least(f"best above {rival}, edge band dB", lead, LEAD_EDGE_DB)
    if "mobile" in reports:
        gap = best.overall_psnr_db - reports["mobile"].score.mean.overall_psnr_db
        yield at_most("mobile below best, overall dB", gap, MOBILE_BELOW_BEST_DB)
    for name in _ours(reports):
        in_focus = reports[name].score.mean.in_focus_psnr_db or 0.0
        yield at_least(f"{name} in focus, dB", in_focus, IN_FOCUS_DB)
        worst = _worst_in_focus_loss_db(reports, name)
        bar = IN_FOCUS_BELOW_NO_BLUR_DB
        yield at_most(f"{name} in focus below no blur, worst scene dB", worst, bar)
        yield from _won_back(name, reports[name])


def _won_back(name: str, report: RendererReport) -> Iterator[Check]:
    for study in report.depth_studies:
        for region, loss in (("overall", study.overall), ("edge band", study.edge)):
            if loss.won_back is not None:
                label = f"{name} won back, {study.damage}, {region}"
                yield at_least(label, loss.won_back, WON_BACK)


def _worst_in_focus_loss_db(reports: Mapping[str, RendererReport], name: str) -> float:
    """By how many dB a renderer's in-focus area is worse than no blur, in its worst scene."""
    losses = [0.0]
    for scene, sharp in reports[NO_BLUR].score.by_scene.items():
        own = reports[name].score.by_scene[scene]
        if sharp.in_focus is not None and own.in_focus is not None:
            losses.append(sharp.in_focus.psnr_db - own.in_focus.psnr_db)
    return max(losses)


def _chart_bars(reports: Mapping[str, RendererReport]) -> Iterator[Check]:
    for name in _ours(reports):
        steps, light = reports[name].steps, reports[name].light
        leak = max(step.far_leak for step in steps)
        halo = max(step.halo for step in steps)
        spill = max(max(step.spill_outside, step.spill_inside) for step in steps)
        yield at_most(f"{name} far leak", leak, LEAK)
        yield at_most(f"{name} halo", halo, LEAK)
        yield at_most(f"{name} near spill", spill, SPILL[name])
        yield at_most(f"{name} flat field", light.flat_field, FLAT_FIELD)
        yield at_most(f"{name} impulse energy", light.impulse, IMPULSE)
        yield at_most(f"{name} focus pull jump", light.pull_frame, PULL_JUMP)


def _ours(reports: Mapping[str, RendererReport]) -> list[str]:
    return [name for name in SPILL if name in reports]
