"""What a scan makes of its inputs before it runs, whatever it runs on."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from bokehflow.kernels.checks import ScanShape, ScanTensors


def state_or_zeros(tensors: ScanTensors, shape: ScanShape, dtype: torch.dtype) -> Tensor:
    """The initial state as it was given; zeros of that dtype where there is none."""
    if tensors.initial_state is not None:
        return tensors.initial_state
    return torch.zeros(shape.state_shape, dtype=dtype, device=tensors.q.device)


def keeps_for_gradients(inputs: Iterable[Tensor]) -> bool:
    """Whether a scan of these has to keep what its way back needs."""
    return torch.is_grad_enabled() and any(x.requires_grad for x in inputs)
