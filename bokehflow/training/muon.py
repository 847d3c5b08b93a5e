"""Muon with the matrices of one shape together: a few products where there were hundreds.

A small network's matrices are many and tiny. One after the other they keep a GPU waiting for its
launches, and a rate that is a number would be recorded with them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

RMS_OF_ADAMW = 0.2
"""Root mean square of AdamW's updates; Liu et al. 2025, arXiv 2502.16982, section 2.2."""


class StackedMuon(torch.optim.Muon):
    """The updates of `torch.optim.Muon` with adjust_lr_fn="match_rms_adamw", whose state it shares.

    The rate may be a tensor on the parameters' device, read as the step runs. Parameters without a
    gradient stay as they are.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Update the matrices by their gradients. No closure is called."""
        del closure
        for group in self.param_groups:
            moving = [p for p in group["params"] if p.grad is not None]
            for _, alike in groupby(sorted(moving, key=_shape), key=_shape):
                self._move(list(alike), group)

    def _move(self, matrices: list[Tensor], group: dict[str, Any]) -> None:
        """Move matrices of one shape."""
        gradients = [matrix.grad for matrix in matrices if matrix.grad is not None]
        averages = [self._average(matrix) for matrix in matrices]
        torch._foreach_lerp_(averages, gradients, 1.0 - group["momentum"])
        ahead = torch._foreach_lerp(gradients, averages, group["momentum"])
        turned = orthogonalised(
            torch.stack(list(ahead)), group["ns_coefficients"], group["ns_steps"], group["eps"]
        )
        rate = group["lr"] * RMS_OF_ADAMW * math.sqrt(max(turned.shape[1:]))
        torch._foreach_mul_(matrices, 1.0 - group["lr"] * group["weight_decay"])
        torch._foreach_sub_(matrices, list((turned * rate).unbind()))

    def _average(self, matrix: Tensor) -> Tensor:
        state = self.state[matrix]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(matrix)
        average: Tensor = state["momentum_buffer"]
        return average


def orthogonalised(
    matrices: Tensor, coefficients: Sequence[float], steps: int, least_norm: float
) -> Tensor:
    """[N, A, B] with the singular values of each near 1, in bfloat16.

    Newton-Schulz iterations of fifth order; Jordan et al. 2024, "Muon".
    """
    linear, cubic, quintic = coefficients
    upright = matrices.shape[1] > matrices.shape[2]
    x = (matrices.mT if upright else matrices).bfloat16()
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=least_norm)
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(
            x, torch.baddbmm(gram, gram, gram, beta=cubic, alpha=quintic), x, beta=linear
        )
    return x.mT if upright else x


def _shape(matrix: Tensor) -> tuple[int, ...]:
    return tuple(matrix.shape)
