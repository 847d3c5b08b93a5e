"""Linear layers whose bias takes its gradient in one short pass, for CUDA.

PyTorch adds up a bias's gradient over all tokens with a general reduction, which for a few dozen
channels takes longer than the layer's own products.
"""

# The kernel is compiled, not run: Python's types say nothing about it.
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

from bokehflow.kernels.triton_scan import check_device

ROWS, COLUMNS, WARPS = 64, 64, 4
MOST_PROGRAMS = 128
"""Along the rows; each leaves a share of the sums to be added up."""


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x [..., I] times weight [O, I] transposed, plus bias [O]; as `torch.nn.functional.linear`,
    under autocast too. Raises UsageError off CUDA devices."""
    check_device(x.device)
    if torch.is_autocast_enabled(x.device.type):
        dtype = torch.get_autocast_dtype(x.device.type)
        x, weight, bias = x.to(dtype), weight.to(dtype), bias.to(dtype)
    return _Linear.apply(x, weight, bias)  # type: ignore[no-any-return,no-untyped-call]


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """The layer's output [..., O]."""
        ctx.save_for_backward(x, weight)
        return F.linear(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of x, weight and bias, each of its shape."""
        x, weight = ctx.saved_tensors
        rows = grad.reshape(-1, grad.shape[-1])
        grad_x = rows @ weight if ctx.needs_input_grad[0] else None
        grad_weight = rows.T @ x.reshape(-1, x.shape[-1])
        grad_x = None if grad_x is None else grad_x.view(x.shape)
        return grad_x, grad_weight, column_sums(rows).to(weight.dtype)


def column_sums(x: Tensor) -> Tensor:
    """The sums over N of x [N, C], in float32."""
    x = x.contiguous()
    count, columns = x.shape
    rows_each = ROWS * triton.cdiv(triton.cdiv(count, ROWS), MOST_PROGRAMS)
    programs = triton.cdiv(count, rows_each)
    shares = torch.empty(programs, columns, dtype=torch.float32, device=x.device)
    grid = (programs, triton.cdiv(columns, COLUMNS))
    with torch.cuda.device_of(x):  # type: ignore[no-untyped-call]
        column_sum_kernel[grid](
            x, shares, count, columns, rows_each, BR=ROWS, BC=COLUMNS, num_warps=WARPS
        )
    return shares.sum(0)


@triton.jit
def column_sum_kernel(
    x: Any, shares: Any, count: Any, columns: Any, rows_each: Any,
    BR: tl.constexpr, BC: tl.constexpr,
) -> None:  # fmt: skip
    """Sums over rows_each rows of x [count, columns] a program: [programs, columns] in fp32."""
    channel = tl.program_id(1) * BC + tl.arange(0, BC)
    total = tl.zeros([BC], tl.float32)
    start = tl.program_id(0) * rows_each
    for first in range(start, min(start + rows_each, count), BR):
        row = first + tl.arange(0, BR)
        inside = (row < count)[:, None] & (channel < columns)[None, :]
        place = row.to(tl.int64)[:, None] * columns + channel[None, :]
        total += tl.sum(tl.load(x + place, mask=inside, other=0.0).to(tl.float32), 0)
    tl.store(shares + tl.program_id(0) * columns + channel, total, mask=channel < columns)
