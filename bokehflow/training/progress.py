"""How a slice gets on: its clock, and the rows that it adds to the curves."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from bokehflow.training.config import TrainConfig
from bokehflow.training.curves import Curves
from bokehflow.training.stages import stage_at
from bokehflow.training.step import StepResult

SECONDS_A_MINUTE = 60.0


class Clock:
    """The time a slice has, and the time since its last checkpoint."""

    def __init__(self, minutes: float | None) -> None:
        self.began = self.saved = time.monotonic()
        self.limit_s = math.inf if minutes is None else minutes * SECONDS_A_MINUTE

    @property
    def expired(self) -> bool:
        """Whether the slice's time is over."""
        return time.monotonic() - self.began >= self.limit_s

    def due(self, minutes: float) -> bool:
        """Whether so many minutes have passed since this was last true."""
        now = time.monotonic()
        if now - self.saved < minutes * SECONDS_A_MINUTE:
            return False
        self.saved = now
        return True


class SliceLog:
    """Means over the steps of this slice since the row before, written every `log_every` steps and
    at the end of each stage.

    Skipped steps are counted and left out of the means. What a slice ends between two rows with is
    in none.
    """

    def __init__(self, config: TrainConfig, curves: Curves | None) -> None:
        self.config, self.curves = config, curves
        self._began = self._row_began = time.monotonic()
        self._steps = 0
        self._last_loss: float | None = None
        self._waiting: list[StepResult] = []

    @property
    def seconds_per_step(self) -> float:
        """Mean time of a step of this slice, its data included."""
        return (time.monotonic() - self._began) / max(self._steps, 1)

    @property
    def last_loss(self) -> float | None:
        """Mean loss since the last row, or of that row; None where every step was skipped."""
        kept = self._kept()
        return _mean([result.total for result in kept]) if kept else self._last_loss

    def note(self, step: int, skipped: int, result: StepResult) -> None:
        """Take in a step; `step` are done by now and `skipped` of those changed nothing."""
        self._steps += 1
        self._waiting.append(result)
        if step % self.config.log_every == 0 or self._ends_stage(step):
            self._write_row(step, skipped)
            self._last_loss = self.last_loss
            self._waiting, self._row_began = [], time.monotonic()

    def _ends_stage(self, step: int) -> bool:
        """Whether the run ends here or goes on with another stage, whose losses are others."""
        if step == self.config.total_steps:
            return True
        return stage_at(self.config, step) is not stage_at(self.config, step - 1)

    def _kept(self) -> list[StepResult]:
        return [result for result in self._waiting if not result.skipped]

    def _write_row(self, step: int, skipped: int) -> None:
        kept = self._kept()
        if self.curves is None or not kept:
            return
        by_loss = zip(*(result.losses for result in kept), strict=True)
        figures = [
            self._waiting[-1].learning_rate,
            _mean([result.total for result in kept]),
            *(_mean(values) for values in by_loss),
            _mean([result.gradient_norm for result in kept]),
        ]
        seconds = (time.monotonic() - self._row_began) / len(self._waiting)
        stage = stage_at(self.config, step - 1).name
        self.curves.add([step, stage, *(f"{x:.6g}" for x in figures), skipped, f"{seconds:.4g}"])


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
