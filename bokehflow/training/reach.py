"""Whether every stage of a run teaches what learns, asked before the first step."""

from __future__ import annotations

import torch

from bokehflow.errors import UsageError
from bokehflow.optics import Lens
from bokehflow.specs import Size
from bokehflow.training.batch import Batch
from bokehflow.training.clip_losses import ClipLosses
from bokehflow.training.config import StageConfig, TrainConfig


def require_learning(config: TrainConfig, judge: ClipLosses) -> None:
    """Raise UsageError for a stage of which no loss that counts depends on what learns.

    Where all parts learn every loss does. Elsewhere one clip a stage is judged, and none of its
    values matters: what a loss depends on is the same for all.
    """
    device = next(judge.network.parameters()).device
    for stage in config.stages if config.learns else ():
        if not judge(_blank(stage).to(device), stage).requires_grad:
            counted = [name for name in stage.losses if getattr(config.losses, name) > 0.0]
            raise UsageError(
                f"the stage {stage.name!r} is judged by {', '.join(counted)}, none of which "
                f"depends on what learns: {', '.join(config.learns)}",
                "a loss above 0 that does, as those of the picture on refine",
                "change the stage or the losses, with which a run under way goes on with "
                "--new-config, or let other parts learn in another --out",
            )


def _blank(stage: StageConfig) -> Batch:
    """One clip of the stage's length, at the smallest of its sizes, that shows nothing."""
    size = min(stage.parsed_sizes(), key=_area)
    frames = torch.zeros(1, stage.frames, 3, size.height, size.width)
    between = frames[:, 1:]
    return Batch(
        frames=frames,
        bokeh=frames,
        inverse_depth=torch.ones_like(frames[:, :, :1]),
        flow=torch.zeros_like(between[:, :, :2]),
        flow_valid=torch.ones_like(between[:, :, :1]),
        lens=torch.tensor([Lens().as_tuple()]),
        depth_cues=torch.ones(1),
    )


def _area(size: Size) -> int:
    return size.height * size.width
