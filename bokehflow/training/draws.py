"""Which parts of which clips a training step sees.

What a step sees depends on the seed, the step and the clips that are there, so a run that goes on
elsewhere with the same ones, or on another number of processes, sees the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bokehflow.calibration.data.folder import FoundClip, FoundClips
from bokehflow.errors import InputError
from bokehflow.specs import Size
from bokehflow.training.camera_look import CameraLook, random_look
from bokehflow.training.config import StageConfig, TrainConfig
from bokehflow.training.pan import random_pan
from bokehflow.training.stages import stage_at
from bokehflow.training.told_lens import ToldLens, random_told_lens
from bokehflow.training.turn import NO_TURN, Turn, random_turn
from bokehflow.training.view import View, random_view

FILMED_SHARE = 0.25
"""Of what a stage with pans sees, filmed clips: they alone hold parallax and things that move."""
_SIZE_STREAM, _CLIP_STREAM = 0, 1


class Draw(NamedTuple):
    """What one sample shows of a clip, frame by frame in so many views.

    The views begin at the clip's frame `first`. filmed: each shows the next frame, in one and the
    same view; otherwise all show `first`, and the camera pans. look: None for the frames as they
    are. turn: of the camera, on the spot; None where the stage has no turns. told: the lens that
    the network is told of, for depths at the canonical field of view; None for the clip's own.
    """

    entry: FoundClip
    first: int
    views: tuple[View, ...]
    filmed: bool
    look: CameraLook | None
    turn: Turn | None
    told: ToldLens | None = None


class StepDraws(NamedTuple):
    """What one step sees, or one process's part of it, at one size."""

    stage: StageConfig
    size: Size
    samples: tuple[Draw, ...]


class _Usable(NamedTuple):
    """The clips that a stage can use: as long as its own, and the others."""

    filmed: list[FoundClip]
    stills: list[FoundClip]


class Drawing:
    """Draws what each step of a run sees from its clips."""

    def __init__(self, config: TrainConfig, clips: FoundClips) -> None:
        """Raises InputError for a stage that no clip fits."""
        self.config = config
        self._usable = {stage: _sorted(fitting(clips, stage), stage) for stage in config.stages}

    @property
    def entries(self) -> list[FoundClip]:
        """Every clip that some step may see."""
        usable = {
            one.path: one for lists in self._usable.values() for some in lists for one in some
        }
        return list(usable.values())

    def __call__(self, step: int, part: tuple[int, int]) -> StepDraws:
        """Those of a step for process part[0] of part[1], each with an equal share."""
        seed, stage = self.config.seed, stage_at(self.config, step)
        sizes = stage.parsed_sizes()
        size_rng = np.random.default_rng([seed, step, _SIZE_STREAM])
        size = sizes[int(size_rng.integers(len(sizes)))]
        rank, world = part
        share = stage.batch // world
        numbers = range(rank * share, (rank + 1) * share)
        rngs = [np.random.default_rng([seed, step, _CLIP_STREAM, number]) for number in numbers]
        samples = tuple(_draw(rng, self._usable[stage], stage, size) for rng in rngs)
        return StepDraws(stage, size, samples)


def fitting(clips: FoundClips, stage: StageConfig) -> list[FoundClip]:
    """The clips a stage can use: long enough, and with the truths that it judges by.

    Raises InputError where there is none.
    """
    found = [
        entry
        for entry in clips.entries
        if (stage.pan or _filmed(stage, entry)) and _judges(stage, entry)
    ]
    if not found:
        raise InputError(
            f"none of the {len(clips.entries)} training clips in {clips.folder} "
            f"fits the stage {stage.name!r}",
            _needs(stage),
            "make them with `bfx data make`, with lens views and films where they are needed",
        )
    return found


def _needs(stage: StageConfig) -> str:
    """What a clip has to be and to hold for a stage, in words."""
    words = []
    if not stage.pan and stage.frames > 1:
        words.append(f"of at least {stage.frames} frames with the flow between them")
    if not stage.renders:
        words.append("whose pictures tell their depth")
    else:
        words.append("with the picture that the lens takes")
        if stage.rendering == "true_depth":
            words.append("with depth")
    return f"clips {', '.join(words)}"


def _filmed(stage: StageConfig, entry: FoundClip) -> bool:
    """Whether a clip is as long as the stage's, and its motion known."""
    return entry.frames >= stage.frames and (stage.frames == 1 or "flow" in entry.known)


def _judges(stage: StageConfig, entry: FoundClip) -> bool:
    """Whether a stage has anything to learn from a clip, and needs nothing that it does not hold.

    Depth is judged where the picture tells it; without it the picture alone can be judged.
    """
    if not stage.renders:
        return entry.depth_cues and "depth" in entry.known
    return "bokeh" in entry.known and ("depth" in entry.known or stage.rendering != "true_depth")


def _sorted(usable: list[FoundClip], stage: StageConfig) -> _Usable:
    return _Usable(
        [entry for entry in usable if _filmed(stage, entry)],
        [entry for entry in usable if not _filmed(stage, entry)],
    )


def _draw(rng: np.random.Generator, usable: _Usable, stage: StageConfig, size: Size) -> Draw:
    """One clip, cut to the stage's number of frames and seen in a view of its own."""
    from_filmed = not stage.pan or rng.random() < FILMED_SHARE
    filmed = from_filmed if usable.filmed and usable.stills else bool(usable.filmed)
    among = usable.filmed if filmed else usable.stills
    entry = among[int(rng.integers(len(among)))]
    if filmed:
        first = int(rng.integers(entry.frames - stage.frames + 1))
        views = (random_view(rng, entry.size, size, stage.smallest_view),) * stage.frames
    else:
        first = int(rng.integers(entry.frames))
        views = random_pan(rng, entry.size, size, stage.smallest_view, stage.frames, stage.pan)
    camera_look = random_look(rng) if stage.camera_looks else None
    turn = _some_turn(rng, stage.turns)
    return Draw(entry, first, views, filmed, camera_look, turn, random_told_lens(rng, stage))


def _some_turn(rng: np.random.Generator, share: float) -> Turn | None:
    """A turn for a share of the views, none for the others, and None where no view has any."""
    if share == 0.0:
        return None
    return random_turn(rng) if rng.random() < share else NO_TURN
