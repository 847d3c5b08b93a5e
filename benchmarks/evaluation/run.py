"""The whole measurement behind `bfx evaluate`: what is asked, what is there, what came out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bokehflow.benchmarks.evaluation.data_facts import data_facts
from bokehflow.benchmarks.evaluation.depth_scores import DepthScore
from bokehflow.benchmarks.evaluation.flicker import (
    FlickerScore,
    can_be_cut,
    study_films,
    temporal_modes,
)
from bokehflow.benchmarks.evaluation.headline import telling_stills
from bokehflow.benchmarks.evaluation.held_out import GroupReport, chosen, study_held_out
from bokehflow.benchmarks.evaluation.real_pairs import (
    ALOE,
    MOTORCYCLE,
    DisparityScore,
    require_pairs,
    study_aloe,
    study_motorcycle,
)
from bokehflow.benchmarks.evaluation.sight import Sight
from bokehflow.benchmarks.evaluation.trend import (
    KeptTrend,
    TrendPoint,
    find_snapshots,
    follow,
    read_trend,
)
from bokehflow.benchmarks.evaluation.video_flicker import read_frames, study_video
from bokehflow.calibration.data.folder import FoundClip, find_clips
from bokehflow.calibration.data.split import HELD_OUT
from bokehflow.defaults import EVALUATION_PAIRS, EVALUATION_SCAN, SEGMENTS, TREND_STILLS, VARIANT
from bokehflow.errors import SizeError, UsageError
from bokehflow.model import ModelConfig, load_model
from bokehflow.scan import ScanConfig
from bokehflow.specs import MOBILE_PROFILE, TOKEN_STRIDE, Size, network_size_for
from bokehflow.training.perceptual import PerceptualDistance, packaged_perceptual
from bokehflow.weights import WeightsInfo

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EvaluationConfig:
    """What to measure.

    data: held-out clips lie under it. weights: None for those that ship. limit, trend_limit: stills
    and films of each source, for the whole measurement and for every snapshot; None for all.
    pairs: real photos with measured depth. snapshots: a run's folder of them, or the record of an
    evaluation that has scored them; None for no trend.
    Raises UsageError for limits below 1 and videos of one name, UnknownNameError for a scan or a
    pair that does not exist.
    """

    data: Path
    variant: str = VARIANT
    weights: Path | None = None
    network_size: str = MOBILE_PROFILE
    scan: str = EVALUATION_SCAN
    limit: int | None = None
    pairs: tuple[str, ...] = EVALUATION_PAIRS
    videos: tuple[Path, ...] = ()
    snapshots: Path | None = None
    trend_limit: int = TREND_STILLS
    skip_bad: bool = False

    def __post_init__(self) -> None:
        ScanConfig(self.scan)
        for name, value in (("limit", self.limit), ("trend_limit", self.trend_limit)):
            if value is not None and value < 1:
                raise UsageError(f"{name}={value}", "at least 1")
        names = [path.name for path in self.videos]
        if len(set(names)) < len(names):
            raise UsageError("two videos of one name", "a name for each, as the record has them")


@dataclass(frozen=True, slots=True)
class Plan:
    """A measurement that can begin: everything it needs has been found.

    data: as `data_facts` tells it. left_out: clips that cannot be read, and films whose size
    segment states cannot be cut along.
    """

    config: EvaluationConfig
    data: list[dict[str, object]]
    sight: Sight
    distance: PerceptualDistance
    stills: list[FoundClip]
    films: list[FoundClip]
    trend_stills: list[FoundClip]
    snapshots: list[tuple[int, Path]]
    kept_trend: KeptTrend | None
    left_out: tuple[str, ...]

    @property
    def steps(self) -> int:
        """How often the progress advances."""
        others = len(self.config.pairs) + len(self.config.videos) + len(self.snapshots)
        return len(self.stills) + len(self.films) + others


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything measured of one set of weights; what was not asked for is empty.

    held_out: by source, and over all whose pictures tell their depth. motorcycle, aloe, films: by
    row of their tables. videos: the same by file name, with estimated flow.
    """

    weights: WeightsInfo
    held_out: dict[str, GroupReport]
    motorcycle: dict[str, DepthScore]
    aloe: dict[str, DisparityScore]
    film_count: int
    films: dict[str, FlickerScore]
    videos: dict[str, dict[str, FlickerScore]]
    trend: list[TrendPoint]


def prepare(config: EvaluationConfig) -> Plan:
    """Open the weights and find the data.

    Raises WeightsError, InputError (data, pairs, snapshots), MissingDependencyError (the scan, the
    perceptual distance), MediaError (videos), SizeError (videos that segments cannot share) and
    UnknownNameError.
    """
    clips = find_clips(config.data, HELD_OUT, skip_bad=config.skip_bad)
    require_pairs(config.pairs)
    for path in config.videos:
        _require_cut(path, config.network_size)
    sight = open_sight(config, config.weights)
    distance = packaged_perceptual()
    films = [entry for entry in clips.entries if entry.frames > 1]
    seen = [(film, network_size_for(film.size, config.network_size)) for film in films]
    fitting = [film for film, size in seen if can_be_cut(size)]
    unfit = [
        f"{film.path}: seen at {size}, which {SEGMENTS} segments cannot share"
        for film, size in seen
        if not can_be_cut(size)
    ]
    snapshots, kept_trend = _snapshots(config.snapshots)
    trend_stills = telling_stills(clips.entries, config.trend_limit) if snapshots else []
    return Plan(
        config,
        data_facts(config.data),
        sight,
        distance,
        stills=chosen(clips.entries, config.limit),
        films=chosen(fitting, config.limit),
        trend_stills=trend_stills,
        snapshots=snapshots,
        kept_trend=kept_trend,
        left_out=(*clips.unreadable, *unfit),
    )


def _require_cut(video: Path, network_size: str) -> None:
    """Raise SizeError where segment states cannot be cut along what the network sees of a video."""
    frames = read_frames(video)
    size = network_size_for(Size(*frames.shape[2:]), network_size)
    if not can_be_cut(size):
        raise SizeError(
            f"{video} seen at {size}, which {SEGMENTS} segments cannot share",
            f"a network size whose sides are multiples of {TOKEN_STRIDE * SEGMENTS}",
            "pass another --network-size, or leave the video out",
        )


def _snapshots(source: Path | None) -> tuple[list[tuple[int, Path]], KeptTrend | None]:
    """Snapshots to score, or the scores that a record has of them."""
    if source is None:
        return [], None
    return ([], read_trend(source)) if source.is_file() else (find_snapshots(source), None)


def open_sight(config: EvaluationConfig, weights: Path | None) -> Sight:
    """A weights file as this measurement looks through it."""
    settings = ModelConfig(network_size=config.network_size, scan=ScanConfig(config.scan))
    return Sight(load_model(config.variant, weights, settings))


def run(plan: Plan, advance: Callable[[], None]) -> Evaluation:
    """Measure; `advance` is called `plan.steps` times."""
    config, modes = plan.config, temporal_modes(plan.sight)

    def counted(result: T) -> T:
        advance()
        return result

    return Evaluation(
        weights=plan.sight.model.weights,
        held_out=study_held_out(plan.sight, plan.stills, plan.distance, advance, other_lenses=True),
        motorcycle=counted(study_motorcycle(plan.sight)) if MOTORCYCLE in config.pairs else {},
        aloe=counted(study_aloe(plan.sight)) if ALOE in config.pairs else {},
        film_count=len(plan.films),
        films=study_films(modes, plan.films, advance),
        videos={path.name: counted(study_video(modes, path)) for path in config.videos},
        trend=_trend(plan, advance),
    )


def _trend(plan: Plan, advance: Callable[[], None]) -> list[TrendPoint]:
    if plan.kept_trend is not None:
        return plan.kept_trend.points
    return follow(
        plan.snapshots,
        lambda path: open_sight(plan.config, path),
        plan.trend_stills,
        plan.distance,
        advance,
    )
