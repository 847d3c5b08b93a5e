"""Muon: momentum whose matrices are made orthogonal before they are applied.

Source: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"; scaled as in
Liu et al. 2025, arXiv 2502.16982, so that it takes AdamW's learning rate and weight decay.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

MOMENTUM = 0.95
ITERATIONS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic iteration: singular values come near 1 soon, rather than exactly."""
UPDATE_RMS = 0.2
"""Of AdamW's updates, which these shall match."""
SMALLEST_NORM = 1e-7


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum over matrices. Those of one shape are updated as one batch."""

    def __init__(self, matrices: Iterable[Tensor], lr: float, weight_decay: float) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every matrix that has a gradient."""
        assert closure is None, "gradients are computed elsewhere"
        for group in self.param_groups:
            for matrices in _by_shape(p for p in group["params"] if p.grad is not None):
                self._update(matrices, group["lr"], group["weight_decay"])

    def _update(self, matrices: list[Tensor], lr: float, weight_decay: float) -> None:
        gradients = [p.grad for p in matrices if p.grad is not None]
        momenta = [self._momentum(p) for p in matrices]
        torch._foreach_lerp_(momenta, gradients, 1.0 - MOMENTUM)
        ahead = torch._foreach_lerp(gradients, momenta, MOMENTUM)
        scale = UPDATE_RMS * max(matrices[0].shape) ** 0.5
        updates = (orthogonal(torch.stack(list(ahead))) * (-lr * scale)).unbind(0)
        torch._foreach_mul_(matrices, 1.0 - lr * weight_decay)
        torch._foreach_add_(matrices, updates)

    def _momentum(self, matrix: Tensor) -> Tensor:
        state: dict[str, Any] = self.state[matrix]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(matrix)
        momentum: Tensor = state["momentum"]
        return momentum


def orthogonal(matrices: Tensor) -> Tensor:
    """Nearly the orthogonal factors of the polar decompositions of matrices [n, a, b]."""
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=SMALLEST_NORM)
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        square = x @ x.mT
        polynomial = torch.baddbmm(square, square, square, beta=b, alpha=c)
        x = torch.baddbmm(x, polynomial, x, beta=a)
    return x.mT if tall else x


def _by_shape(matrices: Iterable[Tensor]) -> Iterable[list[Tensor]]:
    found: dict[torch.Size, list[Tensor]] = {}
    for matrix in matrices:
        found.setdefault(matrix.shape, []).append(matrix)
    return found.values()
