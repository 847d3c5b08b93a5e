"""The five sequences that every scan reads, kept together on their way."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class ScanInputs(NamedTuple):
    """Queries, keys and values [..., size] and, without the last axis, the two gates."""

    q: Tensor
    k: Tensor
    v: Tensor
    log_decay: Tensor
    beta: Tensor
