"""Softmax over the directions and the sum that it weighs, for CUDA."""

from __future__ import annotations

from typing import Any

import torch
import triton
from torch import Tensor

from bokehflow.errors import SizeError
from bokehflow.kernels.checks import DIRECTION_COUNT
from bokehflow.kernels.first_order import first_order
from bokehflow.kernels.launch import Launch, run_now
from bokehflow.kernels.mix_kernels import mix_gradient_kernel, mix_kernel
from bokehflow.kernels.triton_scan import check_device

BLOCK, WARPS = 512, 4


def mix_directions(logits: Tensor, values: Tensor) -> Tensor:
    """sum_d softmax(logits)_d values_d: logits, values [..., 4, C]; returns [..., C].

    Computed in float32; the result has that dtype under autocast, and that of `values` otherwise.
    Raises SizeError for other shapes and UsageError off CUDA devices.
    """
    check_device(values.device)
    if logits.shape != values.shape or values.ndim < 2 or values.shape[-2] != DIRECTION_COUNT:
        raise SizeError(
            f"logits and values of {tuple(logits.shape)} and {tuple(values.shape)}", "[..., 4, C]"
        )
    dtype = torch.float32 if torch.is_autocast_enabled(values.device.type) else values.dtype
    return _DirectionMix.apply(logits, values, dtype)  # type: ignore[no-any-return,no-untyped-call]


class _DirectionMix(torch.autograd.Function):
    """See `mix_directions`; the weights are computed again on the way back, not kept."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, values: Tensor, dtype: torch.dtype) -> Tensor:
        """[..., C] in `dtype`, of logits and values [..., 4, C]."""
        logits, values = logits.contiguous(), values.contiguous()
        shape = (*values.shape[:-2], values.shape[-1])
        mixed = torch.empty(shape, dtype=dtype, device=values.device)
        with torch.cuda.device_of(values):  # type: ignore[no-untyped-call]
            run_now(mix_launch(mix_kernel, (logits, values), mixed))
        ctx.save_for_backward(logits, values)
        return mixed

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of logits and values, each of its shape and dtype."""
        logits, values = ctx.saved_tensors
        grad = grad.contiguous()
        grad_logits, grad_values = torch.empty_like(logits), torch.empty_like(values)
        with torch.cuda.device_of(values):  # type: ignore[no-untyped-call]
            run_now(
                mix_launch(mix_gradient_kernel, (logits, values), grad, grad_logits, grad_values)
            )
        return grad_logits, grad_values, None


def mix_launch(kernel: Any, read: tuple[Tensor, Tensor], sums: Tensor, *written: Tensor) -> Launch:
    """A kernel over all sums [..., C] of terms [..., 4, C], all contiguous."""
    arguments = (*read, sums, *written, sums.numel())
    constants = {"C": sums.shape[-1], "BLOCK": BLOCK}
    return Launch(kernel, (triton.cdiv(sums.numel(), BLOCK),), arguments, constants, WARPS)
