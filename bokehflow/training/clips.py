"""The training clips of a folder, and which of them each step sees.

What a step sees depends on the seed and the step alone, so a run that goes on elsewhere, or on
another number of processes, sees the same.
"""

from __future__ import annotations

import zipfile
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bokehflow.calibration.data.clip import Clip
from bokehflow.calibration.data.clip_file import read_clip, read_info
from bokehflow.calibration.data.split import TRAIN
from bokehflow.errors import InputError
from bokehflow.specs import Size
from bokehflow.training.batch import Batch, stack
from bokehflow.training.config import StageConfig, TrainConfig
from bokehflow.training.stages import stage_at
from bokehflow.training.view import look, random_view

NAMED_IN_MESSAGE = 3
_SIZE_STREAM, _CLIP_STREAM = 0, 1


@dataclass(frozen=True, slots=True)
class FoundClip:
    """One clip file: how many frames it has, and whether its picture tells its depth."""

    path: Path
    frames: int
    depth_cues: bool


@dataclass(frozen=True, slots=True)
class TrainingClips:
    """The training clips under a folder. unreadable: files that were left out, and why."""

    folder: Path
    entries: tuple[FoundClip, ...]
    unreadable: tuple[str, ...] = ()

    def fitting(self, stage: StageConfig) -> list[FoundClip]:
        """The clips a stage can use: long enough, and for depth alone, with depth to be seen.

        Raises InputError where there is none.
        """
        found = [
            entry
            for entry in self.entries
            if entry.frames >= stage.frames and (entry.depth_cues or stage.renders)
        ]
        if not found:
            raise InputError(
                f"none of the {len(self.entries)} training clips in {self.folder} "
                f"fits the stage {stage.name!r}",
                f"clips of at least {stage.frames} frames"
                + ("" if stage.renders else " whose pictures tell their depth"),
                "make them with `bfx data make`",
            )
        return found


def find_clips(folder: Path, *, skip_bad: bool = False) -> TrainingClips:
    """Every training clip under a folder, in the order of their paths; held-out ones are left out.

    Folders of stills and of clips may lie beside each other in it; stages take what fits them.

    Raises InputError where the folder does not exist, holds no training clip, or holds files that
    cannot be read, unless `skip_bad` leaves those out.
    """
    if not folder.is_dir():
        raise InputError(f"no data folder at {folder}", remedy="make one with `bfx data make`")
    entries, unreadable = [], []
    for path in sorted(folder.rglob("*.npz")):
        if path.name.startswith("."):  # still being written
            continue
        try:
            if read_info(path).split == TRAIN:
                entries.append(_entry(path))
        except InputError as error:
            unreadable.append(str(error))
    if unreadable and not skip_bad:
        raise InputError(
            f"{len(unreadable)} clips under {folder} cannot be read: "
            + " | ".join(unreadable[:NAMED_IN_MESSAGE]),
            remedy="make them again, or leave them out with --skip-bad",
        )
    if not entries:
        raise InputError(
            f"no training clip under {folder}", "files *.npz", "make them with `bfx data make`"
        )
    return TrainingClips(folder, tuple(entries), tuple(unreadable))


def _entry(path: Path) -> FoundClip:
    """What the sampler needs to know; of the pictures only the header is read."""
    info = read_info(path)
    with zipfile.ZipFile(path) as archive, archive.open("frames.npy") as member:
        if np.lib.format.read_magic(member) != (1, 0):
            raise InputError(f"{path} holds arrays of another format", "NumPy's version 1.0")
        shape, _, _ = np.lib.format.read_array_header_1_0(member)
    return FoundClip(path, int(shape[0]), info.depth_cues)


def batch_at(config: TrainConfig, clips: TrainingClips, step: int, part: tuple[int, int]) -> Batch:
    """What a step sees, or one process's part of it: clips part[0] of part[1] equal shares."""
    stage = stage_at(config, step)
    fitting = clips.fitting(stage)
    sizes = stage.parsed_sizes()
    size_rng = np.random.default_rng([config.seed, step, _SIZE_STREAM])
    size = sizes[int(size_rng.integers(len(sizes)))]
    rank, world = part
    share = stage.batch // world
    return stack(
        [
            _sample(config, stage, fitting, size, step, number)
            for number in range(rank * share, (rank + 1) * share)
        ]
    )


def batches(
    config: TrainConfig, clips: TrainingClips, first_step: int, part: tuple[int, int], workers: int
) -> Generator[Batch]:
    """The batches from `first_step` to the end, `workers` of them made ahead on threads."""
    steps = range(first_step, config.total_steps)
    if workers == 0:
        yield from (batch_at(config, clips, step, part) for step in steps)
        return
    with ThreadPoolExecutor(workers) as pool:
        ahead = [pool.submit(batch_at, config, clips, step, part) for step in steps[:workers]]
        for step in steps:
            batch = ahead.pop(0).result()
            if step + workers < config.total_steps:
                ahead.append(pool.submit(batch_at, config, clips, step + workers, part))
            yield batch


def _sample(
    config: TrainConfig,
    stage: StageConfig,
    fitting: list[FoundClip],
    size: Size,
    step: int,
    number: int,
) -> Batch:
    """One clip of a step, cut to the stage's number of frames and seen in a view of its own."""
    rng = np.random.default_rng([config.seed, step, _CLIP_STREAM, number])
    clip = read_clip(fitting[int(rng.integers(len(fitting)))].path)
    first = int(rng.integers(clip.frame_count - stage.frames + 1))
    clip = excerpt(clip, first, stage.frames)
    view = random_view(rng, Size(*clip.size), size, stage.smallest_view)
    return look(clip, view, size, config.canonical_fov_deg)


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
