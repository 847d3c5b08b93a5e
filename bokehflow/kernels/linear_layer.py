"""Linear layers whose bias takes its gradient in one short pass, for CUDA.

PyTorch adds up a bias's gradient over all tokens with a general reduction, which for a few dozen
channels takes longer than the layer's own products.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
import triton
from torch import Tensor

from bokehflow.kernels.checks import require_shapes
from bokehflow.kernels.first_order import first_order
from bokehflow.kernels.launch import Launch, rows_each, run_now
from bokehflow.kernels.sum_kernels import column_sum_kernel
from bokehflow.kernels.triton_scan import check_device

ROWS, COLUMNS, WARPS = 64, 64, 4
MOST_PROGRAMS = 128
"""Along the rows; each leaves a share of the sums to be added up."""


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x [..., I] times weight [O, I] transposed, plus bias [O]; as `torch.nn.functional.linear`,
    under autocast too. Raises UsageError off CUDA devices, SizeError for shapes that do not fit."""
    check_device(x.device)
    outputs, inputs = tuple(weight.shape[:1]), tuple(x.shape[-1:])
    require_shapes({"weight": weight, "bias": bias}, {"weight": outputs + inputs, "bias": outputs})
    if torch.is_autocast_enabled(x.device.type):
        dtype = torch.get_autocast_dtype(x.device.type)
        x, weight, bias = x.to(dtype), weight.to(dtype), bias.to(dtype)
    return _Linear.apply(x, weight, bias)  # type: ignore[no-any-return,no-untyped-call]


class _Linear(torch.autograd.Function):
    """See `linear`, of inputs in one dtype."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """The layer's output [..., O]."""
        ctx.save_for_backward(x, weight)
        return F.linear(x, weight, bias)

    @staticmethod
    @first_order
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of x, weight and bias, each of its shape."""
        x, weight = ctx.saved_tensors
        for_x, for_weight, for_bias = ctx.needs_input_grad
        rows = grad.reshape(-1, grad.shape[-1])
        grad_x = (rows @ weight).view(x.shape) if for_x else None
        grad_weight = rows.T @ x.reshape(-1, x.shape[-1]) if for_weight else None
        return grad_x, grad_weight, column_sums(rows).to(weight.dtype) if for_bias else None


def column_sums(x: Tensor) -> Tensor:
    """The sums over N of x [N, C], in float32."""
    x = x.contiguous()
    programs = triton.cdiv(x.shape[0], rows_each(x.shape[0], ROWS, MOST_PROGRAMS))
    shares = torch.empty(programs, x.shape[1], dtype=torch.float32, device=x.device)
    with torch.cuda.device_of(x):  # type: ignore[no-untyped-call]
        run_now(column_sum_launch(x, shares))
    return shares.sum(0)


def column_sum_launch(x: Tensor, shares: Tensor) -> Launch:
    """Each program's sums [programs, C] of its rows of x [N, C], both contiguous."""
    count, columns = x.shape
    grid = (shares.shape[0], triton.cdiv(columns, COLUMNS))
    constants = {"BR": ROWS, "BC": COLUMNS}
    arguments = (x, shares, count, columns, rows_each(count, ROWS, MOST_PROGRAMS))
    return Launch(column_sum_kernel, grid, arguments, constants, WARPS)
