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
REGIONS = ("overall", "edge band", "in focus", "elsewhere")
"""What tables call the regions of a score."""


@dataclass(frozen=True, slots=True)
class MeanScore:
    """Means over scenes of their own figures, as records hold them; None where no scene has the
    region.

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

    @property
    def regions(self) -> tuple[tuple[float | None, float | None], ...]:
        """PSNR in dB and SSIM of every region, in the order of REGIONS."""
        return (
            (self.overall_psnr_db, self.overall_ssim),
            (self.edge_psnr_db, self.edge_ssim),
            (self.in_focus_psnr_db, self.in_focus_ssim),
            (self.elsewhere_psnr_db, self.elsewhere_ssim),
        )


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
    return MeanScore(
        *_mean([one.overall for one in scores]),
        *_mean_of_present([one.edge for one in scores]),
        *_mean_of_present([one.in_focus for one in scores]),
        *_mean_of_present([one.elsewhere for one in scores]),
        energy_error=statistics.fmean(abs(one.energy_error) for one in scores),
    )


def _mean(regions: Sequence[RegionScore]) -> tuple[float, float]:
    """Mean PSNR and SSIM."""
    return (
        statistics.fmean(region.psnr_db for region in regions),
        statistics.fmean(region.ssim for region in regions),
    )


def _mean_of_present(
    regions: Sequence[RegionScore | None],
) -> tuple[float | None, float | None]:
    present = [region for region in regions if region is not None]
    return _mean(present) if present else (None, None)
