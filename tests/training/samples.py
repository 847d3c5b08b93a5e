"""A tiny network, tiny clips whose depth a picture tells, and runs over them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bokehflow.calibration.data.clip import Clip, ClipInfo
from bokehflow.calibration.data.clip_file import write_clip
from bokehflow.calibration.data.folder import FoundClips
from bokehflow.optics import Lens
from bokehflow.specs import VARIANTS, Size, Variant
from bokehflow.training.batch import Batch
from bokehflow.training.clips import batch_of
from bokehflow.training.config import LossWeights, OptimiserConfig, StageConfig, TrainConfig
from bokehflow.training.curves import COLUMNS
from bokehflow.training.draws import Drawing
from bokehflow.training.view import View

TINY = Variant("nano", 16, 2, 2, 16, 0, 0, 0)
"""The same architecture, two blocks of sixteen channels a stream."""
SIDE_PX = 32
LENS = Lens(50.0, 2.0, 1.0, 36.0)
QUICK = OptimiserConfig(learning_rate=3e-3, warmup_steps=2)
NO_PERCEPTUAL = LossWeights(perceptual=0.0)


def use_tiny_variant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let "nano" be the tiny one while a test runs."""
    monkeypatch.setitem(VARIANTS, "nano", TINY)


def tiny_clip(seed: int, frames: int = 1, *, split: str = "train", depth_cues: bool = True) -> Clip:
    """Two grey levels at two depths, moving one pixel to the right a frame, noise on top."""
    rng = np.random.default_rng(seed)
    edge = int(rng.integers(8, SIDE_PX - 8))
    columns = np.arange(SIDE_PX)[None, None, :] - np.arange(frames)[:, None, None]
    near = np.broadcast_to(columns < edge, (frames, SIDE_PX, SIDE_PX))
    grey = np.where(near, 200, 60)[..., None] + rng.integers(-20, 20, (1, SIDE_PX, SIDE_PX, 3))
    pictures = grey.astype(np.uint8)
    flow = np.zeros((frames - 1, SIDE_PX, SIDE_PX, 2), np.float16)
    flow[..., 0] = -1.0
    return Clip(
        frames=pictures,
        inverse_depth=np.where(near, 1.0, 0.25).astype(np.float16),
        bokeh=pictures,
        flow=flow,
        flow_valid=np.ones((frames - 1, SIDE_PX, SIDE_PX), np.bool_),
        info=ClipInfo("made", split, seed, 0, 60.0, LENS, depth_cues, ()),
    )


def whole_view(frame: Size) -> View:
    """All of the frame, as it is."""
    return View(0, 0, frame.height, frame.width, False, (1.0, 1.0, 1.0))


def write_clips(folder: Path, count: int = 2, frames: int = 1) -> Path:
    """A data folder of tiny clips."""
    folder.mkdir(exist_ok=True)
    for seed in range(count):
        write_clip(folder / f"{frames}-{seed:03d}.npz", tiny_clip(seed, frames))
    return folder


def stage(name: str = "depth", steps: int = 4, **settings: Any) -> StageConfig:
    """A stage of two clips of 16x16 a step."""
    values: dict[str, Any] = {"sizes": ("16x16",), "batch": 2, **settings}
    return StageConfig(name, steps, **values)


def tiny_config(*stages: StageConfig, **settings: Any) -> TrainConfig:
    """A run that logs every step."""
    values: dict[str, Any] = {
        "log_every": 1, "optimiser": QUICK, "losses": NO_PERCEPTUAL, **settings,
    }  # fmt: skip
    return TrainConfig(stages or (stage(),), **values)


def batch_at(config: TrainConfig, clips: FoundClips, step: int, part: tuple[int, int]) -> Batch:
    """What a step sees, or one process's part of it, read from files."""
    return batch_of(config.canonical_fov_deg, Drawing(config, clips)(step, part))


def curve(run: Path, column: str) -> Sequence[str]:
    """One column of a run's curves."""
    rows = [line.split(",") for line in (run / "curves.csv").read_text().splitlines()]
    assert tuple(rows[0]) == COLUMNS
    return [row[COLUMNS.index(column)] for row in rows[1:]]
