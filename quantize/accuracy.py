"""Which layers stay in float: as few as keep the loss within limits.

None, where all layers in 8 bits keep it. Else they are searched for, by our own search
(`part_search`) or by NNCF's (`nncf_control`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from bokehflow.calibration.sample_set import SampleSet
from bokehflow.quantize.format import Format, M, as_written
from bokehflow.quantize.held_out import HeldOut, Loss
from bokehflow.temporary import temporary_folder


@dataclass(frozen=True, slots=True)
class Limits:
    """What a quantized artifact may lose: of bokeh PSNR against truth, on average, and how near to
    its source it must stay on the worst scene."""

    max_drop_db: float
    parity_db: float

    def met_by(self, loss: Loss) -> bool:
        """Whether both hold."""
        return loss.drop_db <= self.max_drop_db and loss.parity_db >= self.parity_db

    def excess(self, loss: Loss) -> float:
        """How far beyond the limits, in decibels; for choosing the best of what does not meet."""
        return max(loss.drop_db - self.max_drop_db, 0.0) + max(self.parity_db - loss.parity_db, 0.0)


@dataclass(frozen=True, slots=True)
class Attempt(Generic[M]):
    """A model, its layers in float, and what it loses."""

    model: M
    floats: tuple[str, ...]
    loss: Loss


@dataclass(frozen=True, slots=True, eq=False)
class Control(Generic[M]):
    """What a search has at hand. source: where the original was read. quantized: all layers in 8
    bits, made of the original with the samples. advance: called after every stage that takes more
    than a second."""

    form: Format[M]
    source: Path
    quantized: M
    original: M
    samples: SampleSet
    held_out: HeldOut
    limits: Limits
    advance: Callable[[], None]

    def attempt(self, floats: tuple[str, ...]) -> Attempt[M]:
        """Some layers in float, which keep 8-bit weights all the same."""
        mixed = self.form.reverted(self.quantized, self.original, floats)
        model = self.form.with_8bit_weights(mixed)
        made = Attempt(model, floats, measured(self.form, model, self.held_out))
        self.advance()
        return made


Search = Callable[[Control[Any]], list[Attempt[Any]]]
"""Attempts at layers in float, where all in 8 bits lose too much."""


def controlled(control: Control[M], search: Search) -> list[Attempt[M]]:
    """Attempts; the last is the chosen one: the fewest layers in float that meet the limits, or
    where none does, the nearest to them."""
    attempts = [control.attempt(())]
    if control.limits.met_by(attempts[0].loss):
        return attempts
    attempts += search(control)
    best = min(attempts, key=lambda a: (control.limits.excess(a.loss), len(a.floats)))
    return [*(a for a in attempts if a is not best), best]


def measured(form: Format[M], model: M, held_out: HeldOut) -> Loss:
    """What a model loses, as it would be written."""
    with temporary_folder() as folder:
        session = as_written(form, model, folder)
        loss = held_out.loss(session)
        del session
    return loss
