"""Inputs of a scan, its float64 truth, and the comparison: shared by the kernel tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.scan import naive_scan_2d
from tests.tolerances import (
    SCAN_BF16,
    SCAN_FP16,
    SCAN_FP32,
    SCAN_FP64,
    SCAN_GRADIENT_FACTOR,
)

Scan = Callable[..., tuple[Tensor, Tensor]]

TOLERANCE = {
    torch.float64: SCAN_FP64,
    torch.float32: SCAN_FP32,
    torch.float16: SCAN_FP16,
    torch.bfloat16: SCAN_BF16,
}
INPUT_NAMES = ("q", "k", "v", "log_decay", "beta", "initial_state")


@dataclass(frozen=True, slots=True)
class Case:
    """One scan's sizes and the character of its inputs.

    keys: random, ar1 (neighbours with cosine .99) or same; beta: random or a value; decay: a
    value, `near_one` (0.9..1), `mixed` (1e-12..1, evenly in the logarithm, half of them near 1) or
    `cuts` (a fifth of them exactly 0).
    """

    height: int = 5
    width: int = 7
    key_size: int = 16
    value_size: int = 16
    heads: int = 1
    batch: int = 1
    keys: str = "random"
    beta: str | float = "random"
    decay: str | float = "near_one"
    dtype: torch.dtype = torch.float32

    @property
    def tokens(self) -> int:
        """Tokens of the map."""
        return self.height * self.width

    def inputs(self, seed: int = 0) -> list[Tensor]:
        """q, k, v, log_decay, beta and initial state, leaves that ask for gradients."""
        random = torch.Generator().manual_seed(seed)
        gates = (self.batch, self.tokens, 4, self.heads)
        q = torch.randn(*gates, self.key_size, generator=random)
        v = torch.randn(*gates, self.value_size, generator=random)
        state = torch.randn(
            self.batch, 4, self.heads, self.key_size, self.value_size, generator=random
        )
        k = _keys(self.keys, torch.randn(*gates, self.key_size, generator=random))
        chance = torch.rand(2, *gates, generator=random)
        beta = chance[0] if self.beta == "random" else torch.full(gates, float(self.beta))
        tensors = [q, k, v, _log_decay(self.decay, chance[1]), beta, state]
        return [x.to(self.dtype).requires_grad_() for x in tensors]


def _keys(kind: str, noise: Tensor) -> Tensor:
    if kind == "same":
        noise = noise[:, :1].expand_as(noise)
    if kind == "ar1":
        steps = [noise[:, 0]]
        for t in range(1, noise.shape[1]):
            steps.append(0.99 * steps[-1] + (1 - 0.99**2) ** 0.5 * noise[:, t])
        noise = torch.stack(steps, dim=1)
    return F.normalize(noise, dim=-1)


def _log_decay(kind: str | float, chance: Tensor) -> Tensor:
    if kind == "near_one":
        return (1 - 0.1 * chance).log()
    if kind == "mixed":
        lowest = torch.tensor(1e-12).log()
        return torch.where(chance < 0.5, 2 * chance * lowest, (chance - 0.5) * -0.02)
    if kind == "cuts":
        return torch.where(chance < 0.2, 0.0, 1 - 0.1 * chance).log()
    return torch.full_like(chance, float(kind)).log()


def run_with_gradients(
    scan: Scan, inputs: list[Tensor], case: Case, seed: int = 1
) -> list[tuple[str, Tensor]]:
    """o, the final state and every input's gradient, for a random gradient of both outputs."""
    o, final = scan(*inputs, case.height, case.width)
    random = torch.Generator().manual_seed(seed)
    grad_o, grad_final = (
        torch.randn(x.shape, generator=random).to(case.dtype).to(x) for x in (o, final)
    )
    grads = torch.autograd.grad((o, final), inputs, (grad_o, grad_final))
    names = [f"gradient of {name}" for name in INPUT_NAMES]
    return [("o", o.detach()), ("final_state", final.detach()), *zip(names, grads, strict=True)]


def truth(inputs: list[Tensor], case: Case) -> list[tuple[str, Tensor]]:
    """`run_with_gradients` of the float64 recurrence on the same values."""
    exact = [x.detach().cpu().double().requires_grad_() for x in inputs]
    return run_with_gradients(naive_scan_2d, exact, case)


def assert_close(
    reference: list[tuple[str, Tensor]], test: list[tuple[str, Tensor]], dtype: torch.dtype
) -> None:
    """Relative RMS within the dtype's tolerance; a reference of zero must be met absolutely."""
    for (name, wanted), (_, found) in zip(reference, test, strict=True):
        factor = SCAN_GRADIENT_FACTOR if name.startswith("gradient") else 1.0
        difference = (found.detach().cpu().double() - wanted).square().mean().sqrt()
        size = wanted.square().mean().sqrt()
        error = float(difference / size) if size > 0 else float(difference)
        assert error <= TOLERANCE[dtype] * factor, f"{name}: {error:.2e}"
