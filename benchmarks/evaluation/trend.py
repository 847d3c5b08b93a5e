"""Does a run improve? The same held-out stills, seen by one snapshot after the other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bokehflow.benchmarks.evaluation.headline import headline
from bokehflow.benchmarks.evaluation.recorded import read_evaluation
from bokehflow.benchmarks.evaluation.sight import Sight
from bokehflow.calibration.data.folder import FoundClip
from bokehflow.errors import InputError
from bokehflow.training.perceptual import PerceptualDistance
from bokehflow.training.snapshot import NAMES, snapshots_in


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One snapshot, over the stills whose pictures tell their depth."""

    step: int
    weights_sha256: str
    aligned_abs_rel: float
    aligned_delta1: float
    silog: float
    end_to_end_psnr_db: float


def find_snapshots(folder: Path) -> list[tuple[int, Path]]:
    """Step and file of a run's snapshots, in order. Raises InputError where there are under two."""
    found = snapshots_in(folder)
    if len(found) < 2:
        raise InputError(
            f"{len(found)} snapshots in {folder}",
            f"at least two files {NAMES}",
            "name a run's snapshots folder",
        )
    return found


class KeptTrend(NamedTuple):
    """The snapshots of a run as an earlier evaluation scored them, and the commit it was of."""

    points: list[TrendPoint]
    commit: str


def read_trend(record: Path) -> KeptTrend:
    """From that evaluation's record: weights files are large, and a run's snapshots may be gone.

    Raises InputError for a file that is no such record, and for one without snapshots.
    """
    with read_evaluation(record) as document:
        points = [TrendPoint(**point) for point in document["results"]["trend"]]
        commit = str(document["settings"].get("trend_commit") or document["environment"]["commit"])
    if not points:
        raise InputError(f"{record} tells of no snapshots", "a record that does")
    return KeptTrend(points, commit)


def follow(
    snapshots: Sequence[tuple[int, Path]],
    open_sight: Callable[[Path], Sight],
    stills: Sequence[FoundClip],
    distance: PerceptualDistance,
    advance: Callable[[], None],
) -> list[TrendPoint]:
    """Score every snapshot, once for each `advance`.

    open_sight: opens a weights file. Raises InputError where no still tells its depth.
    """
    points = []
    for step, path in snapshots:
        sight = open_sight(path)
        figures = headline(sight, stills, distance)
        points.append(
            TrendPoint(
                step,
                sight.model.weights.sha256,
                figures.aligned_abs_rel,
                figures.aligned_delta1,
                figures.silog,
                figures.end_to_end_psnr_db,
            )
        )
        advance()
    return points


def steps_back(values: Sequence[float], larger_is_better: bool) -> int:
    """How many values are worse than the one before them."""
    sign = 1.0 if larger_is_better else -1.0
    return sum(sign * (now - before) < 0 for before, now in itertools.pairwise(values))
