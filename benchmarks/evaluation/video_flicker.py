"""Flicker on real videos: their motion is not known, so the flow and every figure are estimated."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from skimage.color import rgb2gray
from skimage.registration import optical_flow_tvl1
from torch import Tensor

from bokehflow.benchmarks.evaluation.flicker import (
    Film,
    FlickerScore,
    TemporalMode,
    play,
    score_film,
)
from bokehflow.defaults import SEGMENTS
from bokehflow.errors import MediaError
from bokehflow.media import open_video
from bokehflow.optics import Lens
from bokehflow.specs import TOKEN_STRIDE
from bokehflow.training.losses import warp

VIDEO_FRAMES = 12
LONGER_SIDE_PX = 256
"""Frames are made as small as this: the flow of small frames is quick and good enough to judge."""
LARGEST_RESIDUE = 12.0 / 255.0
"""Where the frame before, fetched along the flow, differs by more, the flow does not hold."""
FRAMES_THEMSELVES = "the frames themselves"
LENS = Lens(focal_length_mm=50.0, f_number=1.8, focus_m=2.0)


def study_video(modes: Sequence[TemporalMode], path: Path) -> dict[str, FlickerScore]:
    """Flicker of a video's first frames, by mode; the frames themselves show what motion leaves.

    Raises MediaError for a file that is no video of at least two frames.
    """
    frames = read_frames(path)
    flow, valid = estimate_flow(frames)
    scores = {mode.name: score_film(play(mode, frames, LENS, None), flow, valid) for mode in modes}
    still = Film(frames, torch.ones_like(frames[:, :1]))
    scores[FRAMES_THEMSELVES] = score_film(still, flow, valid)
    return scores


def read_frames(path: Path) -> Tensor:
    """The first frames [n, 3, H, W], sRGB 0..1, sides that segment states can be cut along."""
    with open_video(path) as video:
        frames = [_small(frame.image) for frame in islice(video.frames, VIDEO_FRAMES)]
    if len(frames) < 2:
        raise MediaError(f"{path} holds {len(frames)} frame", "at least 2, to see a change")
    return torch.cat(frames)


def estimate_flow(frames: Tensor) -> tuple[Tensor, Tensor]:
    """Flow to the frame before, [n - 1, 2, H, W] px (x, y), and where it holds, [n - 1, 1, H, W].

    TV-L1 (Zach, Pock and Bischof, 2007), as scikit-image has it, on grey frames.
    """
    grey = [rgb2gray(frame.permute(1, 2, 0).numpy()) for frame in frames]
    flows = []
    for before, now in pairwise(grey):
        rows, columns = optical_flow_tvl1(now, before)
        flows.append(np.stack([columns, rows]).astype(np.float32))
    flow = torch.from_numpy(np.stack(flows))
    moved, inside = warp(frames[:-1], flow)
    residue = (frames[1:] - moved).abs().mean(1, keepdim=True)
    return flow, inside * (residue <= LARGEST_RESIDUE)


def _small(image: Tensor) -> Tensor:
    height, width = image.shape[2:]
    scale = min(1.0, LONGER_SIDE_PX / max(height, width))
    step = TOKEN_STRIDE * SEGMENTS
    size = [max(1, round(side * scale / step)) * step for side in (height, width)]
    return F.interpolate(image, size, mode="bilinear", antialias=True).clamp(0.0, 1.0)
