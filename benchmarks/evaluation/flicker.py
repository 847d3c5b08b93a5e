"""Flicker: what changes from frame to frame although the scene, followed along its motion, did not.

The frame before is fetched along the optical flow and compared with this one, where the flow holds.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bokehflow.benchmarks.evaluation.sight import Sight
from bokehflow.calibration.data.clip import Clip
from bokehflow.calibration.data.clip_file import read_clip
from bokehflow.calibration.data.folder import FoundClip
from bokehflow.defaults import SEGMENTS
from bokehflow.layers.segments import TemporalConfig
from bokehflow.model import BokehFlow, Frame
from bokehflow.optics import Lens
from bokehflow.specs import TOKEN_STRIDE, Size
from bokehflow.training.losses import log_inverse_depth, temporal_depth_loss, temporal_loss
from bokehflow.weights.initial import initial_network

OFF, AS_WRITTEN = "TSP off", "TSP as written"
BLENDED, SYSTOLIC, COLD = (
    f"{SEGMENTS} segment states, {how}" for how in ("blended", "systolic", "cold")
)
SEGMENT_MODES = {
    BLENDED: TemporalConfig("blended", SEGMENTS),
    SYSTOLIC: TemporalConfig("systolic", SEGMENTS),
    COLD: TemporalConfig("cold", SEGMENTS),
}
TRUTH = "the truth itself"
LEVELS = 255.0


def can_be_cut(network_size: Size) -> bool:
    """Whether the token map of frames that the network sees so large can be cut into segments."""
    step = TOKEN_STRIDE * SEGMENTS
    return network_size.height % step == 0 and network_size.width % step == 0


@dataclass(frozen=True, slots=True)
class TemporalMode:
    """A way to use what the frame before left: a model, and whether its state is carried."""

    name: str
    sight: Sight
    carries_state: bool


def temporal_modes(sight: Sight) -> list[TemporalMode]:
    """Every mode that is compared, the one without memory first, all with the same weights."""
    return [
        TemporalMode(OFF, sight, False),
        TemporalMode(AS_WRITTEN, sight, True),
        *(
            TemporalMode(name, _remembering(sight, temporal), True)
            for name, temporal in SEGMENT_MODES.items()
        ),
    ]


def _remembering(sight: Sight, temporal: TemporalConfig) -> Sight:
    """The same weights, carrying their state in another way."""
    model = sight.model
    config = dataclasses.replace(model.config, temporal=temporal)
    network = initial_network(model.network.variant, config.scan, temporal)
    network.load_state_dict(model.network.state_dict())
    return Sight(BokehFlow(network.eval(), model.weights, config))


@dataclass(frozen=True, slots=True)
class FlickerScore:
    """Means over the pixels whose motion is known, and over the transitions of a film.

    bokeh_levels: change of the picture in 8-bit levels. log_depth: change of log depth. Both hold
    true change too, so the truth has some. log_depth_error: change of log depth less the truth's,
    None where the truth is not known.
    """

    bokeh_levels: float
    log_depth: float
    log_depth_error: float | None


@dataclass(frozen=True, slots=True)
class Film:
    """What a mode made of a film: bokeh [n, 3, H, W], inverse depth [n, 1, H, W] in 1/m."""

    bokeh: Tensor
    inverse_depth: Tensor


def play(mode: TemporalMode, frames: Tensor, lens: Lens, fov_deg: float | None) -> Film:
    """Show the frames [n, 3, H, W] one after the other."""
    seen = list(_played(mode, frames, lens, fov_deg))
    return Film(
        torch.cat([one.bokeh for one in seen]), torch.cat([1.0 / one.depth for one in seen])
    )


def _played(
    mode: TemporalMode, frames: Tensor, lens: Lens, fov_deg: float | None
) -> Iterator[Frame]:
    state = None
    for frame in frames:
        seen = mode.sight.see(frame[None], lens, fov_deg, state)
        state = seen.next_state if mode.carries_state else None
        yield seen


def score_film(
    film: Film, flow: Tensor, valid: Tensor, true_inverse_depth: Tensor | None = None
) -> FlickerScore:
    """Score a film along its flow [n - 1, 2, H, W] px where valid [n - 1, 1, H, W] is 1."""
    now, before = film.inverse_depth[1:], film.inverse_depth[:-1]
    logs = log_inverse_depth(film.inverse_depth)
    error = None
    if true_inverse_depth is not None:
        true_now, true_before = true_inverse_depth[1:], true_inverse_depth[:-1]
        loss = temporal_depth_loss(now, before, true_now, true_before, flow, valid)
        error = float(loss.mean())
    bokeh = temporal_loss(film.bokeh[1:], film.bokeh[:-1], flow, valid)
    depth = temporal_loss(logs[1:], logs[:-1], flow, valid)
    return FlickerScore(LEVELS * float(bokeh.mean()), float(depth.mean()), error)


def study_films(
    modes: Sequence[TemporalMode], entries: Sequence[FoundClip], advance: Callable[[], None]
) -> dict[str, FlickerScore]:
    """Mean flicker of held-out films with known flow, by mode and for the truth itself.

    Empty without films. Raises InputError for a clip that cannot be read.
    """
    scores: dict[str, list[FlickerScore]] = {}
    for entry in entries:
        for name, score in _study_film(modes, read_clip(entry.path)).items():
            scores.setdefault(name, []).append(score)
        advance()
    return {name: mean_flicker(some) for name, some in scores.items()}


def _study_film(modes: Sequence[TemporalMode], clip: Clip) -> dict[str, FlickerScore]:
    known = clip.tensors()
    films = {
        mode.name: play(mode, known.frames, clip.info.lens, clip.info.fov_deg) for mode in modes
    }
    films[TRUTH] = Film(known.bokeh, known.inverse_depth)
    return {
        name: score_film(film, known.flow, known.flow_valid, known.inverse_depth)
        for name, film in films.items()
    }


def mean_flicker(scores: Sequence[FlickerScore]) -> FlickerScore:
    """The mean of at least one score, all with or all without a known truth."""
    means: dict[str, float | None] = {}
    for field in dataclasses.fields(FlickerScore):
        values = [getattr(score, field.name) for score in scores]
        means[field.name] = None if None in values else statistics.fmean(values)
    return FlickerScore(**means)  # type: ignore[arg-type]
