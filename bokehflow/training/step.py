"""One training step: the guard against what is not finite, and the update."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from bokehflow.errors import NumericalError
from bokehflow.training.batch import Batch
from bokehflow.training.checkpoint import RunState
from bokehflow.training.clip_losses import LOSS_NAMES
from bokehflow.training.config import TrainConfig
from bokehflow.training.distributed import World
from bokehflow.training.gradients import Gradients
from bokehflow.training.schedule import learning_rate_at
from bokehflow.training.stages import stage_at

MOST_SKIPS_IN_A_ROW = 10


@dataclass(frozen=True, slots=True)
class StepResult:
    """losses: the means of LOSS_NAMES over all processes; skipped: the weights were left alone."""

    total: float
    losses: tuple[float, ...]
    gradient_norm: float
    learning_rate: float
    skipped: bool


def train_step(
    config: TrainConfig,
    state: RunState,
    gradients: Gradients,
    batch: Batch,
    world: World,
    meanwhile: Callable[[], None] = lambda: None,
) -> StepResult:
    """Do the run's next step on this batch; `state` moves on by one.

    gradients: of the losses over the state's network, shared between the processes. meanwhile:
    called while the device computes. A step whose losses or gradients are not finite on any
    process is counted and changes no weight.
    """
    stage = stage_at(config, state.step)
    rate = stage.rate * learning_rate_at(state.step, config.total_steps, config.optimiser)
    means = world.mean(gradients(batch, stage))
    length = nn.utils.clip_grad_norm_(state.network.parameters(), config.optimiser.clip_norm)
    meanwhile()
    *losses, norm = torch.cat([means, length[None]]).tolist()
    weights = (getattr(config.losses, name) for name in LOSS_NAMES)
    total = sum(loss * w for loss, w in zip(losses, weights, strict=True) if w > 0.0)
    finite = math.isfinite(total) and math.isfinite(norm)
    if finite:
        state.optimiser.step(rate)
        state.averaged.update(state.network, state.step)
    state.optimiser.forget_gradients()
    state.step += 1
    state.skipped += int(not finite)
    return StepResult(total, tuple(losses), norm, rate, not finite)


class SkipGuard:
    """Stops a run that skips one step after another."""

    def __init__(self) -> None:
        self.in_a_row = 0

    def check(self, result: StepResult, step: int) -> None:
        """Count a step. Raises NumericalError after MOST_SKIPS_IN_A_ROW skipped ones."""
        self.in_a_row = self.in_a_row + 1 if result.skipped else 0
        if self.in_a_row >= MOST_SKIPS_IN_A_ROW:
            raise NumericalError(
                f"losses or gradients were not finite in {self.in_a_row} steps running, "
                f"up to step {step}",
                "finite ones",
                "go on from the checkpoint with a lower learning_rate, or look at the data",
            )
