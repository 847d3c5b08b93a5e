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
from bokehflow.training.update import Update

MOST_SKIPS_IN_A_ROW = 10


@dataclass(frozen=True, slots=True)
class StepResult:
    """losses: the means of LOSS_NAMES over all processes; skipped: the weights were left alone."""

    total: float
    losses: tuple[float, ...]
    gradient_norm: float
    learning_rate: float
    skipped: bool


class TrainStep:
    """Does a run's next step, again and again."""

    def __init__(
        self,
        config: TrainConfig,
        state: RunState,
        gradients: Gradients,
        update: Update,
        world: World,
    ) -> None:
        """gradients: of the losses over the state's network, shared between the processes.
        update: of the same state."""
        self.config, self.state, self.world = config, state, world
        self._gradients, self._update = gradients, update

    def __call__(self, batch: Batch, meanwhile: Callable[[], None] = lambda: None) -> StepResult:
        """Step on this batch; the state moves on by one.

        meanwhile: called while the device computes. A step whose losses or gradients are not
        finite on any process is counted and changes no weight.
        """
        config, state = self.config, self.state
        stage = stage_at(config, state.step)
        rate = stage.rate * learning_rate_at(state.step, config.total_steps, config.optimiser)
        means = self.world.mean(self._gradients(batch, stage))
        length = nn.utils.clip_grad_norm_(state.network.parameters(), config.optimiser.clip_norm)
        meanwhile()
        *losses, norm = torch.cat([means, length[None]]).tolist()
        weights = (getattr(config.losses, name) for name in LOSS_NAMES)
        total = sum(loss * w for loss, w in zip(losses, weights, strict=True) if w > 0.0)
        finite = math.isfinite(total) and math.isfinite(norm)
        if finite:
            self._update(rate)
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
                "look at the data, or lower learning_rate: begin again, or go on from the last "
                "checkpoint, if there is one, with --resume --new-config",
            )
