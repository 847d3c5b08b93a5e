"""The learning rate of each step: linear warm-up, then a cosine. Document, section 5.3."""

from __future__ import annotations

import math

from bokehflow.training.config import OptimiserConfig


def learning_rate_at(step: int, total_steps: int, config: OptimiserConfig) -> float:
    """Learning rate of a step, counted from 0.

    It rises to `learning_rate` at step `warmup_steps` and falls to `last_share` of it at the end.
    """
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / (config.warmup_steps + 1)
    progress = (step - config.warmup_steps) / max(1, total_steps - 1 - config.warmup_steps)
    cosine = 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))
    return config.learning_rate * (config.last_share + (1.0 - config.last_share) * cosine)
