"""Layer norm for networks of few channels on a GPU, where PyTorch's own takes much of a step.

PyTorch gives a row a block of threads or more; rows of 48 channels leave those idle. Here a
program takes many rows.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
from torch import Tensor

from bokehflow.kernels.checks import require_shapes
from bokehflow.kernels.first_order import first_order
from bokehflow.kernels.launch import Launch, rows_each, run_now
from bokehflow.kernels.norm_kernels import norm_gradient_kernel, norm_kernel
from bokehflow.kernels.triton_scan import check_device

ROWS, WARPS = 32, 4
"""Rows a program holds at a time, and its warps."""
MOST_PROGRAMS = 1024
"""Of the backward pass; each leaves a share of the weights' gradients to be added up."""


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, epsilon: float = 1e-5) -> Tensor:
    """Normalise the last axis: x [..., C], weight, bias [C]. Computed in float32.

    Returns the dtype of x, or autocast's where that is on: what follows a norm is a product, which
    would only convert it. Raises UsageError off CUDA devices, SizeError for a weight or a bias of
    another length.
    """
    check_device(x.device)
    require_shapes(
        {"weight": weight, "bias": bias}, dict.fromkeys(("weight", "bias"), tuple(x.shape[-1:]))
    )
    dtype = x.dtype
    if torch.is_autocast_enabled(x.device.type):
        dtype = torch.get_autocast_dtype(x.device.type)
    weight, bias = weight.contiguous(), bias.contiguous()
    return _LayerNorm.apply(x, weight, bias, epsilon, dtype)  # type: ignore[no-any-return,no-untyped-call]


class _LayerNorm(torch.autograd.Function):
    """See `layer_norm`; the statistics are computed again on the way back, not kept."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, epsilon: float, dtype: torch.dtype
    ) -> Tensor:
        """x [..., C] normalised over C, scaled and shifted by weight and bias [C], in `dtype`."""
        rows = x.contiguous()
        y = torch.empty(x.shape, dtype=dtype, device=x.device)
        with torch.cuda.device_of(x):  # type: ignore[no-untyped-call]
            run_now(norm_launch(rows, weight, bias, y, epsilon))
        ctx.save_for_backward(rows, weight)
        ctx.epsilon = epsilon
        return y

    @staticmethod
    @first_order
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of x, weight and bias, each of its shape."""
        x, weight = ctx.saved_tensors
        programs = triton.cdiv(_rows(x), rows_each(_rows(x), ROWS, MOST_PROGRAMS))
        grad_x = torch.empty_like(x)
        shares = torch.empty(2, programs, x.shape[-1], dtype=torch.float32, device=x.device)
        with torch.cuda.device_of(x):  # type: ignore[no-untyped-call]
            run_now(
                norm_gradient_launch(x, weight, grad_y.contiguous(), grad_x, shares, ctx.epsilon)
            )
        grad_weight, grad_bias = shares.sum(1).to(weight.dtype)
        return grad_x, grad_weight, grad_bias, None, None


def norm_launch(x: Tensor, weight: Tensor, bias: Tensor, y: Tensor, epsilon: float) -> Launch:
    """x, y: [..., C], contiguous; weight, bias: [C]."""
    arguments = (x, weight, bias, y, _rows(x), epsilon)
    return Launch(norm_kernel, (triton.cdiv(_rows(x), ROWS),), arguments, _constants(x), WARPS)


def norm_gradient_launch(
    x: Tensor, weight: Tensor, grad_y: Tensor, grad_x: Tensor, shares: Tensor, epsilon: float
) -> Launch:
    """x and its like: [..., C], contiguous; shares: [2, programs, C], of weight and bias."""
    count = _rows(x)
    taken = rows_each(count, ROWS, MOST_PROGRAMS)
    arguments = (x, weight, grad_y, grad_x, shares[0], shares[1], count, epsilon, taken)
    return Launch(norm_gradient_kernel, (shares.shape[1],), arguments, _constants(x), WARPS)


def _rows(x: Tensor) -> int:
    return x.numel() // x.shape[-1]


def _constants(x: Tensor) -> dict[str, Any]:
    channels = x.shape[-1]
    return {"C": channels, "BC": triton.next_power_of_2(channels), "BR": ROWS}
