"""Layer norm for networks of few channels on a GPU, where PyTorch's own takes much of a step.

PyTorch gives a row a block of threads or more; rows of 48 channels leave those idle. Here a
program takes many rows.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
import triton
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from bokehflow.kernels.norm_kernels import norm_gradient_kernel, norm_kernel
from bokehflow.kernels.triton_scan import check_device

ROWS, WARPS = 32, 4
"""Rows a program holds at a time, and its warps."""
MOST_PROGRAMS = 1024
"""Of the backward pass; each leaves a share of the weights' gradients to be added up."""


def fuse_layer_norms(network: nn.Module) -> None:
    """Make every layer norm over the last axis alone take these kernels, in place."""
    for module in network.modules():
        if isinstance(module, nn.LayerNorm) and len(module.normalized_shape) == 1:
            module.forward = functools.partial(_module_forward, module)  # type: ignore[method-assign]


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, epsilon: float = 1e-5) -> Tensor:
    """Normalise the last axis: x [..., C], weight, bias [C]. Computed in float32.

    Returns the dtype of x, or autocast's where that is on: what follows a norm is a product, which
    would only convert it. Raises UsageError off CUDA devices.
    """
    check_device(x.device)
    dtype = x.dtype
    if torch.is_autocast_enabled(x.device.type):
        dtype = torch.get_autocast_dtype(x.device.type)
    return _LayerNorm.apply(x, weight, bias, epsilon, dtype)  # type: ignore[no-any-return,no-untyped-call]


def _module_forward(module: nn.LayerNorm, x: Tensor) -> Tensor:
    return layer_norm(x, module.weight, module.bias, module.eps)


class _LayerNorm(torch.autograd.Function):
    """See `layer_norm`; the statistics are computed again on the way back, not kept."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, epsilon: float, dtype: torch.dtype
    ) -> Tensor:
        """x [..., C] normalised over C, scaled and shifted by weight and bias [C], in `dtype`."""
        rows = x.contiguous()
        y = torch.empty(x.shape, dtype=dtype, device=x.device)
        channels = x.shape[-1]
        count = x.numel() // channels
        grid = (triton.cdiv(count, ROWS),)
        with torch.cuda.device_of(x):  # type: ignore[no-untyped-call]
            norm_kernel[grid](rows, weight, bias, y, count, epsilon, **_constants(channels))
        ctx.save_for_backward(rows, weight)
        ctx.epsilon = epsilon
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of x, weight and bias, each of its shape."""
        x, weight = ctx.saved_tensors
        channels = x.shape[-1]
        count = x.numel() // channels
        rows_each = ROWS * triton.cdiv(triton.cdiv(count, ROWS), MOST_PROGRAMS)
        programs = triton.cdiv(count, rows_each)
        grad_x = torch.empty_like(x)
        shares = torch.empty(2, programs, channels, dtype=torch.float32, device=x.device)
        arguments = (x, weight, grad_y.contiguous(), grad_x, shares[0], shares[1])
        norm_gradient_kernel[(programs,)](
            *arguments, count, ctx.epsilon, rows_each, **_constants(channels)
        )
        grad_weight, grad_bias = shares.sum(1).to(weight.dtype)
        return grad_x, grad_weight, grad_bias, None, None


def _constants(channels: int) -> dict[str, Any]:
    block = triton.next_power_of_2(channels)
    return {"C": channels, "BC": block, "BR": ROWS, "num_warps": WARPS}
