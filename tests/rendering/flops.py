"""Counting the arithmetic of a module: every operation that makes a tensor, by its output."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

FREE = ("view", "reshape", "slice", "cat", "split", "expand", "pad", "index", "clone", "detach")
BILINEAR_FLOP = 9
"""Three linear interpolations of two products and a sum."""


class FlopCount(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts 2 per multiply-add of a convolution and 1 per input or output value elsewhere."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor):
            self.total += _flop(func.__name__, args, result)
        return result


def _flop(name: str, args: tuple[Any, ...], result: Tensor) -> int:
    size = int(result.numel())
    if "convolution" in name:
        return 2 * size * int(math.prod(args[1].shape[1:]))
    if any(word in name for word in FREE):
        return 0
    if "upsample" in name:
        return BILINEAR_FLOP * size
    if "pool" in name:
        return size * int(math.prod(args[1]))
    source = args[0] if args else None
    return max(size, int(source.numel())) if isinstance(source, Tensor) else size


def count_flop(module: torch.nn.Module, *inputs: Tensor) -> int:
    """Floating-point operations of one call."""
    with torch.no_grad(), FlopCount() as count:
        module(*inputs)
    return int(count.total)
