"""Score one renderer, ours or anyone's, over scenes with exact truth.

from bokehflow.benchmarks.quality.score_renderer import score_renderer
from bokehflow.calibration.scenes import SCENE_KINDS, make_scene

scenes = [make_scene(kind, 0, 360, 480) for kind in SCENE_KINDS]
print(score_renderer(my_renderer, scenes).mean.overall_psnr_db)
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bokehflow.benchmarks.quality.metrics import RegionScore, Score, score
from bokehflow.benchmarks.quality.renderers import Renderer
from bokehflow.calibration.scenes import Scene
from bokehflow.errors import UsageError

TIMED_RUNS = 2


@dataclass(frozen=True, slots=True)
class MeanScore:
    """Means over scenes of their own figures; None where no scene has the region.

    energy_error is the mean of absolute values.
    """

    overall_psnr_db: float
    overall_ssim: float
    edge_psnr_db: float | None
    edge_ssim: float | None
    in_focus_psnr_db: float | None
    in_focus_ssim: float | None
    elsewhere_psnr_db: float | None
    elsewhere_ssim: float | None
    energy_error: float


@dataclass(frozen=True, slots=True)
class RendererScore:
    """One row of the table. by_scene: scene name to score, in the scenes' order.

    seconds_per_frame: median over scenes of the faster of two runs.
    """

    by_scene: dict[str, Score]
    mean: MeanScore
    seconds_per_frame: float


def score_renderer(renderer: Renderer, scenes: Sequence[Scene]) -> RendererScore:
    """Render every scene and score it. Raises UsageError without scenes, and as `score` does."""
    if not scenes:
        raise UsageError("no scenes", "at least one to score")
    by_scene: dict[str, Score] = {}
    seconds = []
    for scene in scenes:
        runs = []
        for _ in range(TIMED_RUNS):
            started = time.perf_counter()
            picture = renderer(scene.frame, scene.depth_m, scene.lens, scene.aperture)
            runs.append(time.perf_counter() - started)
        seconds.append(min(runs))
        by_scene[scene.name] = score(scene.truth, picture, scene.radius_px)
    return RendererScore(by_scene, mean_score(list(by_scene.values())), statistics.median(seconds))


def mean_score(scores: Sequence[Score]) -> MeanScore:
    """The mean of several scores, region by region over the scenes that have it."""
    overall_psnr_db, overall_ssim = _mean([one.overall for one in scores])
    edge_psnr_db, edge_ssim = _mean([one.edge for one in scores])
    in_focus_psnr_db, in_focus_ssim = _mean([one.in_focus for one in scores])
    elsewhere_psnr_db, elsewhere_ssim = _mean([one.elsewhere for one in scores])
    assert overall_psnr_db is not None
    assert overall_ssim is not None
    return MeanScore(
        overall_psnr_db,
        overall_ssim,
        edge_psnr_db,
        edge_ssim,
        in_focus_psnr_db,
        in_focus_ssim,
        elsewhere_psnr_db,
        elsewhere_ssim,
        energy_error=statistics.fmean(abs(one.energy_error) for one in scores),
    )


def _mean(regions: Sequence[RegionScore | None]) -> tuple[float | None, float | None]:
    """Mean PSNR and SSIM of the regions that exist."""
    present = [region for region in regions if region is not None]
    if not present:
        return None, None
    return (
        statistics.fmean(region.psnr_db for region in present),
        statistics.fmean(region.ssim for region in present),
    )
