"""The four-direction gated delta scan in Triton, with its gradients: `scan="triton"`."""

from __future__ import annotations

from typing import Any

import torch
import triton
from torch import Tensor

from bokehflow.errors import UsageError
from bokehflow.kernels.checks import ScanShape, ScanTensors, check_inputs
from bokehflow.kernels.first_order import first_order
from bokehflow.kernels.job import Job, Sequences
from bokehflow.kernels.passes import Borders, backward_pass, forward_pass, room_like
from bokehflow.kernels.plan import LaunchPlan, plan_launch
from bokehflow.kernels.scan_inputs import keeps_for_gradients, state_or_zeros

DTYPES = (torch.float32, torch.float16, torch.bfloat16)

INTERPRETED_PROCESSORS = 1
"""Triton's interpreter runs one program after another: nothing is gained by splitting."""


def scan(tensors: ScanTensors, height: int, width: int, segments: int) -> tuple[Tensor, Tensor]:
    """See `bokehflow.kernels.gated_delta_scan_2d`."""
    check_device(tensors.q.device)
    shape = check_inputs(tensors, height, width, segments, DTYPES)
    return scan_with_plan(tensors, shape, plan_on_device(tensors.q, shape))


def scan_with_plan(
    tensors: ScanTensors, shape: ScanShape, plan: LaunchPlan
) -> tuple[Tensor, Tensor]:
    """`scan` of checked tensors with a chosen plan: for tests and for tuning."""
    state = state_or_zeros(tensors, shape, torch.float32)
    inputs = (tensors.q, tensors.k, tensors.v, tensors.log_decay, tensors.beta, state)
    keep = keeps_for_gradients(inputs)
    # Triton launches on the current device, which need not be the tensors'.
    with torch.cuda.device_of(tensors.q):  # type: ignore[no-untyped-call]
        return _TritonScan.apply(*inputs, shape, plan, keep)  # type: ignore[no-any-return,no-untyped-call]


class _TritonScan(torch.autograd.Function):
    """With `keep`, the inputs and the splits' borders are saved; everything else is recomputed."""

    @staticmethod
    def forward(
        ctx: Any,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        log_decay: Tensor,
        beta: Tensor,
        initial_state: Tensor,
        shape: ScanShape,
        plan: LaunchPlan,
        keep: bool,
    ) -> tuple[Tensor, Tensor]:
        """o and the final state, as `gated_delta_scan_2d` returns them, of checked inputs."""
        entry = initial_state.float().reshape(shape.chains, shape.key_size, shape.value_size)
        sequences = Sequences(q, k, v, log_decay, beta)
        o, final, borders = forward_pass(sequences, entry.contiguous(), Job(shape, plan))
        if keep:
            ctx.save_for_backward(q, k, v, log_decay, beta, *borders)
            ctx.shape, ctx.plan, ctx.state_dtype = shape, plan, initial_state.dtype
        return o, final

    @staticmethod
    @first_order
    def backward(ctx: Any, grad_o: Tensor, grad_final: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of q, k, v, log_decay, beta and initial_state, each of its shape and dtype."""
        q, k, v, log_decay, beta, *borders = ctx.saved_tensors
        shape: ScanShape = ctx.shape
        exit_grad = grad_final.float().reshape(shape.chains, shape.key_size, shape.value_size)
        sequences = Sequences(q, k, v, log_decay, beta)
        grads = room_like(sequences)
        grad_initial = backward_pass(
            sequences,
            Borders(*borders),
            grad_o,
            exit_grad.contiguous(),
            grads,
            Job(shape, ctx.plan),
        )
        state = grad_initial.reshape(shape.state_shape).to(ctx.state_dtype)
        return (grads.q, grads.k, grads.v, grads.log_decay, grads.beta, state, None, None, None)


def plan_on_device(q: Tensor, shape: ScanShape) -> LaunchPlan:
    """The plan for the device that holds q."""
    size = max(shape.key_size, shape.value_size)
    return plan_launch(size, shape.length, shape.chains, q.dtype, processors_of(q))


def processors_of(tensor: Tensor) -> int:
    """Multiprocessors of the device that holds a tensor."""
    if tensor.device.type != "cuda":
        return INTERPRETED_PROCESSORS
    return torch.cuda.get_device_properties(tensor.device).multi_processor_count


def check_device(device: torch.device) -> None:
    """CUDA, or the CPU where Triton's interpreter (TRITON_INTERPRET=1) replaces it."""
    if device.type == "cuda" or (device.type == "cpu" and triton.knobs.runtime.interpret):
        return
    remedy = "use the CPU scan or the chunked form"
    if torch.cuda.is_available():
        raise UsageError(f"the Triton scan was given tensors on {device}", "a CUDA device", remedy)
    raise UsageError("no CUDA device was found here", "one, for the Triton scan", remedy)
