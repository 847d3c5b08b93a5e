"""Which layers stay in float: as few as keep the loss within limits.

None, where all layers in 8 bits keep it. Else they are searched for, by our own search
(`part_search`) or by NNCF's (`nncf_control`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic

from bokehflow.quantize.format import Format, M, as_written
from bokehflow.quantize.held_out import HeldOut, Loss
from bokehflow.quantize.job import Job
from bokehflow.temporary import temporary_folder


@dataclass(frozen=True, slots=True)
class Attempt(Generic[M]):
    """A model, its layers in float, and what it loses."""

    model: M
    floats: tuple[str, ...]
    loss: Loss


@dataclass(frozen=True, slots=True, eq=False)
class Control(Generic[M]):
    """What a search has at hand. original: the model of the job's artifact. quantized: all its
    layers in 8 bits, ranges from the job's samples."""

    form: Format[M]
    job: Job
    quantized: M
    original: M

    def attempt(self, floats: tuple[str, ...]) -> Attempt[M]:
        """Some layers in float, which keep 8-bit weights all the same."""
        mixed = self.form.reverted(self.quantized, self.original, floats)
        model = self.form.with_8bit_weights(mixed)
        made = Attempt(model, floats, measured(self.form, model, self.job.held_out))
        self.job.advance()
        return made


Search = Callable[[Control[Any]], list[Attempt[Any]]]
"""Attempts at layers in float, where all in 8 bits lose too much."""


def controlled(control: Control[M], search: Search) -> list[Attempt[M]]:
    """Attempts; the last is the chosen one: the fewest layers in float that meet the limits, or
    where none does, the nearest to them."""
    limits, attempts = control.job.limits, [control.attempt(())]
    if limits.met_by(attempts[0].loss):
        return attempts
    attempts += search(control)
    best = min(attempts, key=lambda a: (limits.excess(a.loss), len(a.floats)))
    return [*(a for a in attempts if a is not best), best]


def measured(form: Format[M], model: M, held_out: HeldOut) -> Loss:
    """What a model loses, as it would be written."""
    with temporary_folder() as folder:
        session = as_written(form, model, folder)
        loss = held_out.loss(session)
        del session
    return loss
