"""One artifact on clips whose depth, bokeh or motion is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from bokehflow.benchmarks.evaluation.depth_scores import DepthScore, mean_depth_score, score_depth
from bokehflow.benchmarks.evaluation.flicker import Film, FlickerScore, mean_flicker, score_film
from bokehflow.benchmarks.quality.metrics import Score, score
from bokehflow.benchmarks.quality.score_renderer import mean_score
from bokehflow.benchmarks.report.document import TruthScore
from bokehflow.benchmarks.report.recording import Output, play
from bokehflow.benchmarks.report.truth_clips import ClipSource, TruthClip
from bokehflow.export import Manifest
from bokehflow.runtimes import Session

Keep = Callable[[TruthClip, Output], None]


def judge(session: Session, manifest: Manifest, clips: ClipSource, keep: Keep) -> TruthScore:
    """Run every clip from the first state on and score what is known of it.

    keep: told every clip and the output of its last frame. Raises what reading a clip and
    `recording.play` raise.
    """
    bokeh: list[Score] = []
    depth: list[DepthScore] = []
    flicker: list[FlickerScore] = []
    for clip in clips:
        outputs = list(play(session, manifest, ((frame[None], clip.lens) for frame in clip.frames)))
        keep(clip, outputs[-1])
        if "bokeh" in clip.known and "depth" in clip.known:
            bokeh.append(_score_bokeh(clip, outputs[-1]))
        if "depth" in clip.known and clip.depth_cues:
            found = _score_depth(clip, outputs[-1])
            depth += [] if found is None else [found]
        if set(clip.known) >= {"depth", "flow"} and len(outputs) > 1:
            flicker.append(_score_flicker(clip, outputs))
    return TruthScore(
        clips=len(clips),
        bokeh=mean_score(bokeh) if bokeh else None,
        depth=mean_depth_score(depth) if depth else None,
        flicker=mean_flicker(flicker) if flicker else None,
    )


def _score_bokeh(clip: TruthClip, output: Output) -> Score:
    width = clip.frames.shape[3]
    radius = clip.lens.signed_radius_px(clip.inverse_depth[-1:], width)
    return score(clip.bokeh[-1:], output.bokeh, radius)


def _score_depth(clip: TruthClip, output: Output) -> DepthScore | None:
    with np.errstate(divide="ignore"):  # a sky's depth is infinite, and not scored
        truth_m = 1.0 / clip.inverse_depth[-1, 0].numpy()
    return score_depth(truth_m, output.depth_m[0, 0].numpy(), np.isfinite(truth_m))


def _score_flicker(clip: TruthClip, outputs: Sequence[Output]) -> FlickerScore:
    film = Film(
        torch.cat([output.bokeh for output in outputs]),
        torch.cat([1.0 / output.depth_m for output in outputs]),
    )
    return score_film(film, clip.flow, clip.flow_valid, clip.inverse_depth)
