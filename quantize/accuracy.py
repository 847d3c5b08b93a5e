"""Which layers stay in float: the fewest of the costliest parts that keep the loss within limits.

NNCF's own accuracy control ranks layers by running the validation set once for each of them, an
hour for a network of this kind on two cores. Here whole parts are ranked on one picture (`effects`)
where that is needed at all, and how far down the ranking goes is found by doubling and halving.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

from bokehflow.quantize.effects import Part, rank_parts
from bokehflow.quantize.format import Format, M
from bokehflow.quantize.held_out import HeldOut, Loss


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


def controlled(
    form: Format[M],
    quantized: M,
    original: M,
    held_out: HeldOut,
    limits: Limits,
    advance: Callable[[], None],
) -> list[Attempt[M]]:
    """Attempts in the order made; the last is the chosen one: the fewest parts in float that meet
    the limits, or where none does, the nearest to them."""

    def attempt(parts: Sequence[Part]) -> Attempt[M]:
        floats = tuple(layer for part in parts for layer in part.layers)
        model = form.with_8bit_weights(form.reverted(quantized, original, floats))
        made = Attempt(model, floats, measured(form, model, held_out))
        advance()
        return made

    attempts = [attempt(())]
    if limits.met_by(attempts[0].loss):
        return attempts
    ranking = rank_parts(form, quantized, original, held_out, advance)
    # Few parts are enough as a rule: twice as many each time, then by halving between the last two.
    low, high = 0, 1
    attempts.append(attempt(ranking[:high]))
    while not limits.met_by(attempts[-1].loss) and high < len(ranking):
        low, high = high, min(2 * high, len(ranking))
        attempts.append(attempt(ranking[:high]))
    if not limits.met_by(attempts[-1].loss):
        return _best_last(attempts, limits)
    while high - low > 1:
        middle = (low + high) // 2
        attempts.append(attempt(ranking[:middle]))
        if limits.met_by(attempts[-1].loss):
            high = middle
        else:
            low = middle
    return _best_last(attempts, limits)


def measured(form: Format[M], model: M, held_out: HeldOut) -> Loss:
    """What a model loses."""
    with tempfile.TemporaryDirectory() as folder:
        session = form.open(model, Path(folder))
        loss = held_out.loss(session)
        del session
    return loss


def _best_last(attempts: list[Attempt[M]], limits: Limits) -> list[Attempt[M]]:
    best = min(attempts, key=lambda a: (limits.excess(a.loss), len(a.floats)))
    return [*(a for a in attempts if a is not best), best]
