"""The Triton scan of a projection as it comes: keys of any length, q, k and v in one tensor.

Its gradient is written in place, part by part: nothing is split, put together or copied.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
from torch import Tensor

from bokehflow.kernels.checks import (
    DIRECTION_COUNT,
    ScanShape,
    ScanTensors,
    check_inputs,
    split_projection,
)
from bokehflow.kernels.first_order import first_order
from bokehflow.kernels.job import Job, Sequences
from bokehflow.kernels.key_kernels import key_gradient_kernel, key_kernel
from bokehflow.kernels.launch import Launch, run_now
from bokehflow.kernels.passes import Borders, backward_pass, forward_pass
from bokehflow.kernels.plan import LaunchPlan
from bokehflow.kernels.scan_inputs import keeps_for_gradients, state_or_zeros
from bokehflow.kernels.triton_scan import DTYPES, check_device, plan_on_device

ROWS, WARPS = 64, 4
"""Keys a program holds, and its warps."""


def projected_scan(
    qkv: Tensor,
    log_decay: Tensor,
    beta: Tensor,
    initial_state: Tensor | None,
    height: int,
    width: int,
    segments: int,
    key_epsilon: float,
) -> tuple[Tensor, Tensor]:
    """See `bokehflow.kernels.projected_scan_2d`."""
    check_device(qkv.device)
    qkv = qkv.contiguous()
    tensors = ScanTensors(*split_projection(qkv), log_decay, beta, initial_state)
    shape = check_inputs(tensors, height, width, segments, DTYPES)
    inputs = (qkv, log_decay, beta, state_or_zeros(tensors, shape, torch.float32))
    keep, plan = keeps_for_gradients(inputs), plan_on_device(tensors.q, shape)
    with torch.cuda.device_of(qkv):  # type: ignore[no-untyped-call]
        return _ProjectedScan.apply(*inputs, shape, plan, key_epsilon, keep)  # type: ignore[no-any-return,no-untyped-call]


class _ProjectedScan(torch.autograd.Function):
    """With `keep`, the projection, its keys at unit length and the splits' borders are saved."""

    @staticmethod
    def forward(
        ctx: Any,
        qkv: Tensor,
        log_decay: Tensor,
        beta: Tensor,
        initial_state: Tensor,
        shape: ScanShape,
        plan: LaunchPlan,
        key_epsilon: float,
        keep: bool,
    ) -> tuple[Tensor, Tensor]:
        """o and the final state, as `projected_scan_2d` returns them, of checked inputs."""
        q, raw, v = qkv.unbind(2)
        k = torch.empty(raw.shape, dtype=raw.dtype, device=raw.device)
        run_now(key_launch(key_kernel, raw, k, key_epsilon))
        entry = initial_state.float().reshape(shape.chains, shape.key_size, shape.value_size)
        sequences = Sequences(q, k, v, log_decay, beta)
        o, final, borders = forward_pass(sequences, entry.contiguous(), Job(shape, plan))
        if keep:
            ctx.save_for_backward(qkv, k, log_decay, beta, *borders)
            ctx.shape, ctx.plan, ctx.key_epsilon = shape, plan, key_epsilon
            ctx.state_dtype = initial_state.dtype
        return o, final

    @staticmethod
    @first_order
    def backward(ctx: Any, grad_o: Tensor, grad_final: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of qkv, log_decay, beta and initial_state, each of its shape and dtype."""
        qkv, k, log_decay, beta, *borders = ctx.saved_tensors
        shape: ScanShape = ctx.shape
        (q, raw, v), grad_qkv = qkv.unbind(2), torch.empty_like(qkv)
        grad_q, grad_k, grad_v = grad_qkv.unbind(2)
        grad_decay, grad_beta = torch.empty_like(log_decay), torch.empty_like(beta)
        exit_grad = grad_final.float().reshape(shape.chains, shape.key_size, shape.value_size)
        grad_initial = backward_pass(
            Sequences(q, k, v, log_decay, beta),
            Borders(*borders),
            grad_o,
            exit_grad.contiguous(),
            Sequences(grad_q, grad_k, grad_v, grad_decay, grad_beta),
            Job(shape, ctx.plan),
        )
        run_now(key_launch(key_gradient_kernel, raw, grad_k, ctx.key_epsilon))
        state = grad_initial.reshape(shape.state_shape).to(ctx.state_dtype)
        return (grad_qkv, grad_decay, grad_beta, state, None, None, None, None)


def key_launch(kernel: Any, x: Tensor, other: Tensor, epsilon: float) -> Launch:
    """A kernel over all keys. x, other: [B, T, 4, H, K]; all but the steps from token to token as
    in a contiguous one."""
    tokens, chains, size = x.shape[0] * x.shape[1], DIRECTION_COUNT * x.shape[3], x.shape[4]
    count = tokens * chains
    arguments = (x, other, count, chains, x.stride(1), other.stride(1), epsilon)
    constants = {"K": size, "BK": triton.next_power_of_2(size), "BR": ROWS}
    return Launch(kernel, (triton.cdiv(count, ROWS),), arguments, constants, WARPS)
