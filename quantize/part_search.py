"""Our own accuracy control: the costliest parts in float, as few as do.

Parts are ranked by their measured effect on one picture (`part_effects`); how far down the ranking
goes is found by doubling and halving.
"""

from __future__ import annotations

from collections.abc import Sequence

from bokehflow.quantize.control import Attempt, Control
from bokehflow.quantize.format import M
from bokehflow.quantize.part_effects import Part, rank_parts


def search_parts(control: Control[M]) -> list[Attempt[M]]:
    """Attempts in the order made: with more and more parts in float, then between two counts."""

    def attempt(parts: Sequence[Part]) -> Attempt[M]:
        return control.attempt(tuple(layer for part in parts for layer in part.layers))

    met_by = control.job.limits.met_by
    ranking = rank_parts(control)
    # Few parts are enough as a rule: twice as many each time, then by halving between the last two.
    low, high = 0, 1
    attempts = [attempt(ranking[:high])]
    while not met_by(attempts[-1].loss) and high < len(ranking):
        low, high = high, min(2 * high, len(ranking))
        attempts.append(attempt(ranking[:high]))
    if not met_by(attempts[-1].loss):
        return attempts
    while high - low > 1:
        middle = (low + high) // 2
        attempts.append(attempt(ranking[:middle]))
        if met_by(attempts[-1].loss):
            high = middle
        else:
            low = middle
    return attempts
