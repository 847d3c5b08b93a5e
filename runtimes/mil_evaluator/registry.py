"""Every operation that can be evaluated, by its name in an ML Program."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bokehflow.runtimes.mil_evaluator import (
    activation,
    convolution,
    elementwise,
    indexing,
    linear_algebra,
    normalization,
    pooling,
    quantization,
    reduction,
    resampling,
    shape,
)
from bokehflow.runtimes.mil_evaluator.handler import Handler

_FAMILIES = (
    elementwise,
    linear_algebra,
    convolution,
    pooling,
    reduction,
    activation,
    normalization,
    shape,
    indexing,
    resampling,
    quantization,
)

HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {name: handler for family in _FAMILIES for name, handler in family.HANDLERS.items()}
)

assert len(HANDLERS) == sum(len(family.HANDLERS) for family in _FAMILIES), "a name in two families"
