"""Averaged weights: what ships, since they are steadier than those of any one step."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class AveragedWeights:
    """An exponential moving average of a network's parameters.

    The decay rises from 0.1 to its full value over the first steps, (1 + n) / (10 + n), so that
    the average forgets the initial weights.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.tensors = {name: p.detach().clone() for name, p in network.named_parameters()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after step `step`, counted from 0."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(
            list(self.tensors.values()),
            [parameter.detach() for parameter in network.parameters()],
            1.0 - decay,
        )

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take the averages of a checkpoint."""
        for name, tensor in self.tensors.items():
            tensor.copy_(tensors[name])
