"""The five sequences that every scan reads, kept together on their way."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from bokehflow.errors import SizeError


class ScanInputs(NamedTuple):
    """Queries, keys and values [..., size] and, without the last axis, the two gates."""

    q: Tensor
    k: Tensor
    v: Tensor
    log_decay: Tensor
    beta: Tensor


def check_sequences(inputs: ScanInputs, initial_state: Tensor | None) -> None:
    """Raise SizeError unless q, k [B, T, H, K], v [B, T, H, V], both gates [B, T, H] and the state
    [B, H, K, V] fit together, with at least one of each."""
    k, v = inputs.k, inputs.v
    if k.dim() != 4 or v.dim() != 4 or 0 in (*k.shape, *v.shape):
        raise SizeError(
            f"k and v of shapes {tuple(k.shape)} and {tuple(v.shape)}", "[B, T, H, size]"
        )
    batch, length, heads, key_size = k.shape
    gates = (batch, length, heads)
    wanted = {
        "q": (*gates, key_size),
        "v": (*gates, v.shape[3]),
        "log_decay": gates,
        "beta": gates,
        "initial_state": (batch, heads, key_size, v.shape[3]),
    }
    for name, tensor in (*inputs._asdict().items(), ("initial_state", initial_state)):
        if name in wanted and tensor is not None and tuple(tensor.shape) != wanted[name]:
            raise SizeError(f"{name} of shape {tuple(tensor.shape)}", f"{wanted[name]}")
