"""Backward passes by hand, which have no gradients of their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

from bokehflow.errors import UsageError

P = ParamSpec("P")
R = TypeVar("R")


def first_order(backward: Callable[P, R]) -> Callable[P, R]:
    """Make a `backward` that is asked for its own graph raise UsageError.

    `torch.autograd.function.once_differentiable` lets some of them pass as if they were constants.
    """

    @wraps(backward)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        if torch.is_grad_enabled():
            raise UsageError(
                "a gradient with create_graph=True through a fused form",
                "gradients of the first order",
                "compute those of the second with the form chunked",
            )
        return backward(*args, **kwargs)

    return checked
