"""Scan inputs of the kinds that separate right from nearly right."""

from __future__ import annotations

import torch
from torch import Tensor

KEYS = ("random", "ar1", "identical")
GATES = ("usual", "beta_0", "beta_1", "decay_1", "decay_1e-12", "decay_mixed")

Inputs = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]


def scan_inputs(
    keys: str, gates: str, length: int, key_size: int = 16, value_size: int = 24, heads: int = 2
) -> Inputs:
    """q, k, v, log_decay, beta and the initial state in float64, batch 1."""
    generator = torch.Generator().manual_seed(length)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    q = normal(1, length, heads, key_size) * key_size**-0.5
    v = normal(1, length, heads, value_size)
    k = _keys(keys, normal(1, length, heads, key_size))
    log_decay, beta = _gates(gates, normal(1, length, heads), normal(1, length, heads))
    return q, k, v, log_decay, beta, normal(1, heads, key_size, value_size)


def _keys(kind: str, k: Tensor) -> Tensor:
    if kind == "ar1":
        for t in range(1, k.shape[1]):
            k[:, t] = 0.99 * k[:, t - 1] + (1 - 0.99**2) ** 0.5 * k[:, t]
    if kind == "identical":
        k = k[:, :1].expand_as(k)
    return k / k.norm(dim=-1, keepdim=True)


def _gates(kind: str, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    log_decay, beta = torch.sigmoid(a + 3.0).log(), torch.sigmoid(b)
    if kind.startswith("beta"):
        beta = torch.full_like(beta, float(kind.removeprefix("beta_")))
    if kind == "decay_mixed":
        log_decay = torch.where(a > 0.0, 0.0, torch.full_like(a, 1e-12).log())
    elif kind.startswith("decay"):
        log_decay = torch.full_like(log_decay, float(kind.removeprefix("decay_"))).log()
    return log_decay, beta
