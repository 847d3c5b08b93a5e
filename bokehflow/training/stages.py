"""Which stage a step belongs to: depth first, then the picture, then clips."""

from __future__ import annotations

from bokehflow.errors import UsageError
from bokehflow.training.config import StageConfig, TrainConfig


def stage_at(config: TrainConfig, step: int) -> StageConfig:
    """The stage of a step, counted from 0 over all stages. Raises UsageError beyond the last."""
    first = 0
    for stage in config.stages:
        first += stage.steps
        if step < first:
            return stage
    raise UsageError(f"step {step}", f"below {config.total_steps}, the end of the last stage")
