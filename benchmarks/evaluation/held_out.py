"""All held-out stills: means by source, and over those whose pictures tell their depth."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bokehflow.benchmarks.evaluation.clip_study import (
    BOKEH_ROWS,
    DEPTH_ROWS,
    BokehScore,
    ClipStudy,
    study_clip,
)
from bokehflow.benchmarks.evaluation.depth_scores import DepthScore, mean_depth_score
from bokehflow.benchmarks.evaluation.gradient import Gradient, fit_gradient, mean_gradient
from bokehflow.benchmarks.evaluation.sight import Sight
from bokehflow.benchmarks.quality.score_renderer import MeanScore, mean_score
from bokehflow.calibration.data.clip_file import read_clip
from bokehflow.calibration.data.folder import FoundClip
from bokehflow.training.perceptual import PerceptualDistance

ALL = "all that tell their depth"
"""The group that the bars are about."""


@dataclass(frozen=True, slots=True)
class BokehMean:
    """Means over pictures."""

    score: MeanScore
    perceptual: float


@dataclass(frozen=True, slots=True)
class GroupReport:
    """Means over the stills of one group, by row; depth over those alone that tell theirs.

    stills, telling: how many, of all and of those. depth is empty where none tells its depth.
    """

    stills: int
    telling: int
    depth: dict[str, DepthScore]
    bokeh: dict[str, BokehMean]


def chosen(entries: Sequence[FoundClip], limit: int | None) -> list[FoundClip]:
    """At most `limit` clips of each source, evenly from all of them, in the order of their paths.

    Neighbours are views of one scene, so the first so many would be few scenes.
    """
    if limit is None:
        return list(entries)
    kept: list[FoundClip] = []
    for source in sorted({entry.source for entry in entries}):
        own = [entry for entry in entries if entry.source == source]
        places = np.linspace(0, len(own) - 1, min(limit, len(own))).round().astype(int)
        kept += [own[place] for place in places]
    return kept


def study_held_out(
    sight: Sight,
    entries: Sequence[FoundClip],
    distance: PerceptualDistance,
    advance: Callable[[], None],
    *,
    other_lenses: bool = False,
) -> dict[str, GroupReport]:
    """Score every still, once for each `advance`. Returns a report by source, and one over ALL.

    other_lenses: as `study_clip` has it.

    Raises InputError for a clip that cannot be read.
    """
    gradients = _gradients(entries)
    studies = []
    for entry in entries:
        clip = read_clip(entry.path)
        gradient = gradients[entry.source]
        studies.append(study_clip(sight, clip, gradient, distance, other_lenses=other_lenses))
        advance()
    groups = {
        source: [study for study in studies if study.source == source]
        for source in sorted(gradients)
    }
    telling = [study for study in studies if study.depth_cues]
    if telling:
        groups[ALL] = telling
    return {name: _report(group) for name, group in groups.items()}


def _gradients(entries: Sequence[FoundClip]) -> dict[str, Gradient]:
    """The vertical gradient of every source, fitted to the very stills that are scored."""
    found: dict[str, list[Gradient]] = {}
    for entry in entries:
        inverse_depth = read_clip(entry.path).inverse_depth[0]
        fitted = fit_gradient(inverse_depth, np.ones(inverse_depth.shape, dtype=bool))
        found.setdefault(entry.source, []).append(fitted)
    return {source: mean_gradient(gradients) for source, gradients in found.items()}


def _report(studies: Sequence[ClipStudy]) -> GroupReport:
    depth = {
        row: [study.depth[row] for study in studies if row in study.depth] for row in DEPTH_ROWS
    }
    return GroupReport(
        stills=len(studies),
        telling=sum(study.depth_cues for study in studies),
        depth={row: mean_depth_score(scores) for row, scores in depth.items() if scores},
        bokeh={row: _mean_bokeh([study.bokeh[row] for study in studies]) for row in BOKEH_ROWS},
    )


def _mean_bokeh(scores: Sequence[BokehScore]) -> BokehMean:
    return BokehMean(
        mean_score([one.score for one in scores]),
        statistics.fmean(one.perceptual for one in scores),
    )
