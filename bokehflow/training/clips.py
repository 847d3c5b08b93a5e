"""Which clips each training step sees, and what it sees of them.

What a step sees depends on the seed and the step alone, so a run that goes on elsewhere, or on
another number of processes, sees the same.
"""

from __future__ import annotations

import signal
import warnings
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from bokehflow.calibration.data.clip import Clip
from bokehflow.calibration.data.clip_file import read_clip
from bokehflow.calibration.data.folder import FoundClip, FoundClips
from bokehflow.errors import BokehFlowError, InputError
from bokehflow.specs import Size
from bokehflow.training.batch import Batch, stack
from bokehflow.training.camera_look import random_look, through_camera
from bokehflow.training.config import StageConfig, TrainConfig
from bokehflow.training.pan import look_along, random_pan
from bokehflow.training.stages import stage_at
from bokehflow.training.view import look, random_view

FILMED_SHARE = 0.25
"""Of what a stage with pans sees, filmed clips: they alone hold parallax and things that move."""
_SIZE_STREAM, _CLIP_STREAM = 0, 1


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
            f"clips of at least {stage.frames} frames"
            + ("" if stage.renders else " whose pictures tell their depth"),
            "make them with `bfx data make`",
        )
    return found


def _filmed(stage: StageConfig, entry: FoundClip) -> bool:
    """Whether a clip is as long as the stage's, and its motion known."""
    return entry.frames >= stage.frames and (stage.frames == 1 or "flow" in entry.known)


def _judges(stage: StageConfig, entry: FoundClip) -> bool:
    """Whether a stage has anything to learn from a clip, and needs nothing that it does not hold.

    Depth is judged where the picture tells it; without it the picture alone can be judged.
    """
    if not stage.renders:
        return entry.depth_cues
    return "bokeh" in entry.known and ("depth" in entry.known or stage.rendering != "true_depth")


def batch_at(config: TrainConfig, clips: FoundClips, step: int, part: tuple[int, int]) -> Batch:
    """What a step sees, or one process's part of it: clips part[0] of part[1] equal shares."""
    stage = stage_at(config, step)
    usable = fitting(clips, stage)
    sizes = stage.parsed_sizes()
    size_rng = np.random.default_rng([config.seed, step, _SIZE_STREAM])
    size = sizes[int(size_rng.integers(len(sizes)))]
    rank, world = part
    share = stage.batch // world
    return stack(
        [
            _sample(config, stage, usable, size, step, number)
            for number in range(rank * share, (rank + 1) * share)
        ]
    )


def batches(
    config: TrainConfig, clips: FoundClips, first_step: int, part: tuple[int, int], workers: int
) -> Generator[Batch]:
    """The batches from `first_step` to the end, made ahead by so many processes.

    Processes, not threads: those would hold up the one that keeps a GPU busy.
    """
    with warnings.catch_warnings():
        # Its advice against more workers than processors is the caller's to weigh.
        warnings.simplefilter("ignore", UserWarning)
        loader = DataLoader(
            _Steps(config, clips, part),
            batch_size=None,
            sampler=range(first_step, config.total_steps),
            num_workers=workers,
            worker_init_fn=_leave_signals_to_the_parent,
            generator=torch.Generator(),  # the global one belongs to the run, and is saved with it
        )
        ahead = iter(loader)
    for made in ahead:
        if isinstance(made, BokehFlowError):
            raise made
        yield made


@dataclass(frozen=True)
class _Steps(Dataset[Batch | BokehFlowError]):
    """What each step sees. A plain error is a value here: raised in a worker it would come back
    with a traceback for a message."""

    config: TrainConfig
    clips: FoundClips
    part: tuple[int, int]

    def __getitem__(self, step: int) -> Batch | BokehFlowError:
        try:
            return batch_at(self.config, self.clips, step, self.part)
        except BokehFlowError as error:
            return error


def _leave_signals_to_the_parent(_worker: int) -> None:
    # Ctrl-C reaches every process of a terminal; the parent saves the run and ends its workers.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _sample(
    config: TrainConfig,
    stage: StageConfig,
    usable: list[FoundClip],
    size: Size,
    step: int,
    number: int,
) -> Batch:
    """One clip of a step, cut to the stage's number of frames and seen in a view of its own."""
    rng = np.random.default_rng([config.seed, step, _CLIP_STREAM, number])
    entry = _drawn(rng, usable, stage)
    clip = read_clip(entry.path)
    frame, fov_deg = Size(*clip.size), config.canonical_fov_deg
    if _filmed(stage, entry):
        first = int(rng.integers(clip.frame_count - stage.frames + 1))
        clip = excerpt(clip, first, stage.frames)
        view = random_view(rng, frame, size, stage.smallest_view)
        batch = look(clip, view, size, fov_deg, with_bokeh=stage.renders)
    else:
        still = excerpt(clip, int(rng.integers(clip.frame_count)), 1)
        views = random_pan(rng, frame, size, stage.smallest_view, stage.frames, stage.pan)
        batch = look_along(still, views, size, fov_deg, with_bokeh=stage.renders)
    if not stage.camera_looks:
        return batch
    frames = through_camera(batch.frames[0], random_look(rng))
    return batch._replace(frames=frames.unsqueeze(0))


def _drawn(rng: np.random.Generator, usable: list[FoundClip], stage: StageConfig) -> FoundClip:
    """One of the usable clips, a filmed one in FILMED_SHARE of the draws where stills serve too."""
    if stage.pan:
        filmed = rng.random() < FILMED_SHARE
        usable = [entry for entry in usable if _filmed(stage, entry) == filmed] or usable
    return usable[int(rng.integers(len(usable)))]


def excerpt(clip: Clip, first: int, frames: int) -> Clip:
    """`frames` frames of a clip from the frame `first` on."""
    within, between = slice(first, first + frames), slice(first, first + frames - 1)
    return Clip(
        clip.frames[within],
        clip.inverse_depth[within],
        clip.bokeh[within],
        clip.flow[between],
        clip.flow_valid[between],
        clip.info,
    )
