"""The five sequences that every scan reads, kept together on their way."""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import torch
from torch import Tensor

from bokehflow.errors import SizeError, UsageError
from bokehflow.kernels.checks import require_shapes


class ScanInputs(NamedTuple):
    """Queries, keys and values [..., size] and, without the last axis, the two gates."""

    q: Tensor
    k: Tensor
    v: Tensor
    log_decay: Tensor
    beta: Tensor


def in_widest_dtype(
    inputs: ScanInputs, initial_state: Tensor | None
) -> tuple[ScanInputs, Tensor | None]:
    """All in the widest dtype among them, which is no work where they share one.

    Raises UsageError for numbers that are not floating point.
    """
    given = [*inputs] if initial_state is None else [*inputs, initial_state]
    odd = next((x.dtype for x in given if not x.is_floating_point()), None)
    if odd is not None:
        raise UsageError(f"a scan of {odd}", "floating point")
    widest = reduce(torch.promote_types, (x.dtype for x in given))
    sequences = ScanInputs(*(_as(widest, x) for x in inputs))
    return sequences, None if initial_state is None else _as(widest, initial_state)


def _as(dtype: torch.dtype, x: Tensor) -> Tensor:
    return x if x.dtype == dtype else x.to(dtype)


def check_sequences(inputs: ScanInputs, initial_state: Tensor | None) -> None:
    """Raise SizeError unless q, k [B, T, H, K], v [B, T, H, V], both gates [B, T, H] and the state
    [B, H, K, V] fit together, with at least one of each."""
    k, v = inputs.k, inputs.v
    if k.dim() != 4 or v.dim() != 4 or 0 in (*k.shape, *v.shape):
        raise SizeError(
            f"k and v of shapes {tuple(k.shape)} and {tuple(v.shape)}",
            "[B, T, H, size], at least one of each",
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
    require_shapes({**inputs._asdict(), "initial_state": initial_state}, wanted)
