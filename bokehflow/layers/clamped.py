"""Bounds that learning can come back from."""

from __future__ import annotations

from torch import Tensor


def clamped_in_value(
    x: Tensor, minimum: float | None = None, maximum: float | None = None
) -> Tensor:
    """x within bounds, with the gradient that it has without them: straight through, as Bengio et
    al. (arXiv 1308.3432) estimate it. A clamp gives what lies beyond it none, so that it stays.
    What is infinite has a bound's value, and no gradient."""
    return x.detach().clamp(minimum, maximum) + (x - x.detach()).nan_to_num()
