"""One held-out still: its depth and its picture through a lens, by the network and by baselines."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bokehflow.benchmarks.evaluation.depth_scores import DepthScore, score_depth
from bokehflow.benchmarks.evaluation.gradient import Gradient, fit_gradient
from bokehflow.benchmarks.evaluation.sight import Sight
from bokehflow.benchmarks.planes import Mask, Plane
from bokehflow.benchmarks.quality.metrics import Score, score
from bokehflow.benchmarks.quality.renderers import NO_BLUR
from bokehflow.calibration.data.clip import Clip, ClipInfo
from bokehflow.model import Frame
from bokehflow.optics import Lens
from bokehflow.training.perceptual import PerceptualDistance

NETWORK = "network"
DEFAULT_LENS = "network, told the default lens"
"""The clip's own lens is focused on something in view, which tells how far that is."""
AUTOFOCUSED = "network, the default lens autofocused"
"""What `bfx render` tells it where no lens is given."""
STOPPED_DOWN = "network, told f/8"
"""At the clip's own focus: its own f-number was chosen for what is in view."""
STOPPED_DOWN_F_NUMBER = 8.0
CONSTANT = "constant depth"
GRADIENT = "vertical gradient of the source"
OWN_GRADIENT = "vertical gradient of the picture"
DEPTH_ROWS = (
    NETWORK,
    DEFAULT_LENS,
    AUTOFOCUSED,
    STOPPED_DOWN,
    CONSTANT,
    GRADIENT,
    OWN_GRADIENT,
)

GRADIENT_BLUR = "nearer at the bottom"
RENDERER_ALONE = "predicted depth, renderer alone"
END_TO_END = "end to end"
TRUE_DEPTH = "true depth, renderer alone"
BOKEH_ROWS = (NO_BLUR, GRADIENT_BLUR, RENDERER_ALONE, END_TO_END, TRUE_DEPTH)


@dataclass(frozen=True, slots=True)
class BokehScore:
    """One picture against thin-lens truth: PSNR and SSIM by region, and perceptual distance."""

    score: Score
    perceptual: float


@dataclass(frozen=True, slots=True)
class ClipStudy:
    """One still. depth: empty where the picture does not tell its depth."""

    source: str
    depth_cues: bool
    depth: dict[str, DepthScore]
    bokeh: dict[str, BokehScore]


def study_clip(
    sight: Sight,
    clip: Clip,
    gradient: Gradient,
    distance: PerceptualDistance,
    *,
    other_lenses: bool,
) -> ClipStudy:
    """Score the first frame of a clip. gradient: of the clip's source. other_lenses: also the depth
    that the network sees when it is told of another lens than the clip's own."""
    known = clip.tensors()
    frame, truth = known.frames[:1], known.inverse_depth[:1]
    lens = clip.info.lens
    seen = sight.see(frame, lens, clip.info.fov_deg)
    depth = {}
    if clip.info.depth_cues:
        plane = _plane(truth)
        everywhere = np.ones(plane.shape, dtype=bool)
        maps = {NETWORK: _plane(seen.depth)}
        if other_lenses:
            maps |= _told_otherwise(sight, frame, clip.info)
        depth = depth_rows(plane, maps, everywhere, gradient)
    pictures = _pictures(sight, clip, frame, truth, seen, gradient)
    reference = known.bokeh[:1]
    radius = lens.signed_radius_px(truth, frame.shape[3])
    bokeh = {
        name: BokehScore(score(reference, picture, radius), _distance(distance, reference, picture))
        for name, picture in pictures.items()
    }
    return ClipStudy(clip.info.source, clip.info.depth_cues, depth, bokeh)


def _told_otherwise(sight: Sight, frame: Tensor, info: ClipInfo) -> dict[str, Plane]:
    """The network's depth [H, W] in metres by what else it is told of the lens."""
    told = {
        DEFAULT_LENS: Lens(),
        AUTOFOCUSED: sight.autofocused(frame, Lens(), info.fov_deg),
        STOPPED_DOWN: dataclasses.replace(info.lens, f_number=STOPPED_DOWN_F_NUMBER),
    }
    return {name: _plane(sight.see(frame, lens, info.fov_deg).depth) for name, lens in told.items()}


def depth_rows(
    inverse_depth: Plane, seen_m: Mapping[str, Plane], known: Mask, gradient: Gradient
) -> dict[str, DepthScore]:
    """The network's depths [H, W] in metres and the baselines', against inverse depth in 1/m.

    Empty where no pixel's depth is known and near enough to be scored.
    """
    height, width = inverse_depth.shape
    maps: Mapping[str, Plane] = {
        **seen_m,
        CONSTANT: 1.0 / gradient.flattened().inverse_depth(height, width),
        GRADIENT: 1.0 / gradient.inverse_depth(height, width),
        OWN_GRADIENT: 1.0 / fit_gradient(inverse_depth, known).inverse_depth(height, width),
    }
    with np.errstate(divide="ignore"):  # a sky's depth is infinite
        truth_m = 1.0 / inverse_depth.astype(np.float64)
    scores = {name: score_depth(truth_m, test_m, known) for name, test_m in maps.items()}
    return {name: score for name, score in scores.items() if score is not None}


def _pictures(
    sight: Sight, clip: Clip, frame: Tensor, truth: Tensor, seen: Frame, gradient: Gradient
) -> dict[str, Tensor]:
    lens = clip.info.lens
    guess = torch.from_numpy(gradient.inverse_depth(*clip.size)).float()[None, None]
    return {
        NO_BLUR: frame,
        GRADIENT_BLUR: sight.render(frame, guess, lens),
        RENDERER_ALONE: sight.render(frame, 1.0 / seen.depth, lens),
        END_TO_END: seen.bokeh,
        TRUE_DEPTH: sight.render(frame, truth, lens),
    }


def _distance(distance: PerceptualDistance, reference: Tensor, test: Tensor) -> float:
    with torch.inference_mode():
        return float(distance(reference, test))


def _plane(maps: Tensor) -> Plane:
    plane: Plane = maps[0, 0].numpy()
    return plane
