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
        device = next(iter(self.tensors.values())).device
        self._share = torch.ones((), device=device)  # of the newest weights

    def set_step(self, step: int) -> None:
        """Take the number of the next step, counted from 0."""
        self._share.fill_(1.0 - min(self.decay, (1 + step) / (10 + step)))

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the weights after that step. Can be recorded, as `Optimiser.step` can."""
        averages = list(self.tensors.values())
        change = torch._foreach_sub([p.detach() for p in network.parameters()], averages)
        torch._foreach_mul_(change, self._share)
        torch._foreach_add_(averages, change)

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take the averages of a checkpoint."""
        for name, tensor in self.tensors.items():
            tensor.copy_(tensors[name])
