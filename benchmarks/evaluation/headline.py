"""What a network comes to in a few figures, on held-out stills whose pictures tell their depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bokehflow.benchmarks.evaluation.clip_study import END_TO_END, NETWORK
from bokehflow.benchmarks.evaluation.held_out import ALL, chosen, study_held_out
from bokehflow.benchmarks.evaluation.sight import Sight
from bokehflow.calibration.data.folder import FoundClip
from bokehflow.errors import InputError
from bokehflow.training.perceptual import PerceptualDistance


@dataclass(frozen=True, slots=True)
class Headline:
    """The figures of `DepthScore` that follow a network's progress, and its pictures' PSNR."""

    aligned_abs_rel: float
    aligned_delta1: float
    silog: float
    edge_f1: float | None
    end_to_end_psnr_db: float


def telling_stills(entries: Sequence[FoundClip], limit: int | None) -> list[FoundClip]:
    """The clips whose pictures tell their depth, at most `limit` of each source, as `chosen`.

    Raises InputError where there is none.
    """
    telling = [entry for entry in entries if entry.depth_cues]
    if not telling:
        raise _none_tells()
    return chosen(telling, limit)


def headline(sight: Sight, stills: Sequence[FoundClip], distance: PerceptualDistance) -> Headline:
    """Score every still. Raises InputError where none tells its depth: one of sky alone does not,
    and for a clip that cannot be read."""
    group = study_held_out(sight, stills, distance, lambda: None).get(ALL)
    if group is None or NETWORK not in group.depth:
        raise _none_tells()
    depth = group.depth[NETWORK]
    return Headline(
        depth.aligned_abs_rel,
        depth.aligned_delta1,
        depth.silog,
        depth.edge_f1,
        group.bokeh[END_TO_END].score.overall_psnr_db,
    )


def _none_tells() -> InputError:
    return InputError("no held-out still tells its depth", remedy="make rooms or outdoors")
