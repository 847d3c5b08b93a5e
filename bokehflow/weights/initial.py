"""The seeded weights that stand in until trained ones are at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from bokehflow.layers.segments import TemporalConfig
from bokehflow.network import Network
from bokehflow.scan import ScanConfig
from bokehflow.specs import Variant

INITIAL_SEED = 0
RESIDUAL_SCALE = 0.1
"""The untrained residual starts small: the renderer alone is already a good picture."""
_DRAWING = (nn.init.kaiming_uniform_, nn.init.uniform_, torch.randn)
"""All that layers draw their initial weights with."""


class _DrawingFrom(TorchFunctionMode):
    """Within it, in this thread alone, initial weights are drawn from `generator`."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.generator = generator

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        own = {"generator": self.generator} if func in _DRAWING else {}
        return func(*args, **{**(kwargs or {}), **own})


def initial_network(
    variant: Variant, scan: ScanConfig | None = None, temporal: TemporalConfig | None = None
) -> Network:
    """A network on the CPU, in float32, with seeded initial weights; the same seed gives the same.

    Nothing is drawn from PyTorch's own generators, nor are they seeded: threads may load at once.
    """
    generator = torch.Generator().manual_seed(INITIAL_SEED)
    with torch.device("cpu"), _DrawingFrom(generator):
        network = Network(variant, scan, temporal)
    with torch.no_grad():
        network.refine.third.weight.mul_(RESIDUAL_SCALE)
    # Whatever PyTorch makes by default.
    return network.float()
