"""The four-direction gated delta scan on the CPU, with its gradients: `scan="cpu"`.

Chains (batch x segments x directions x heads) are shared out over as many threads as torch is
set to use; the compiled recurrence releases Python's lock.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bokehflow.errors import UsageError
from bokehflow.kernels.checks import ScanShape, ScanTensors, check_inputs
from bokehflow.kernels.cpu_recurrence import BLOCK, compile_recurrence

DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


def scan(tensors: ScanTensors, height: int, width: int, segments: int) -> tuple[Tensor, Tensor]:
    """See `bokehflow.kernels.cpu_scan_2d`."""
    if tensors.q.device.type != "cpu":
        raise UsageError(
            f"the CPU scan was given tensors on {tensors.q.device}",
            "tensors on the CPU",
            "use the Triton scan for CUDA tensors",
        )
    shape = check_inputs(tensors, height, width, segments, DTYPES)
    compute = torch.float64 if tensors.q.dtype == torch.float64 else torch.float32
    state = tensors.initial_state
    if state is None:
        state = torch.zeros(shape.state_shape, dtype=compute)
    inputs = (tensors.q, tensors.k, tensors.v, tensors.log_decay, tensors.beta, state)
    keep = torch.is_grad_enabled() and any(x.requires_grad for x in inputs)
    return _CpuScan.apply(*inputs, shape, compute, keep)  # type: ignore[no-any-return,no-untyped-call]


class _CpuScan(torch.autograd.Function):
    """The recurrence; with `keep` its inputs and a state every BLOCK tokens are saved."""

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
        compute: torch.dtype,
        keep: bool,
    ) -> tuple[Tensor, Tensor]:
        rows = _as_rows(compute, q, k, v, log_decay.to(compute).exp(), beta)
        states = initial_state.to(compute).reshape(shape.chains, -1).clone()
        o = torch.empty_like(rows[2])
        blocks = -(-shape.length // BLOCK) if keep else 0
        notes = states.new_empty(shape.chains, blocks, states.shape[1])
        forward, _ = compile_recurrence(shape.key_size, shape.value_size)
        arrays = [x.numpy() for x in (*rows, states, o, notes)]
        _share_out(shape.chains, lambda low, high: forward(*arrays, low, high, *_walk(shape)))
        if keep:
            ctx.save_for_backward(q, k, v, log_decay, beta, notes)
            ctx.shape, ctx.compute, ctx.state_dtype = shape, compute, initial_state.dtype
        return o.view_as(v).to(v.dtype), states.reshape(shape.state_shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_o: Tensor, grad_final: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, log_decay, beta, notes = ctx.saved_tensors
        shape, compute = ctx.shape, ctx.compute
        rows = _as_rows(compute, q, k, v, log_decay.to(compute).exp(), beta)
        (grad_rows,) = _as_rows(compute, grad_o)
        states = grad_final.to(compute).reshape(shape.chains, -1).clone()
        grads = tuple(torch.empty_like(x) for x in rows)
        _, backward = compile_recurrence(shape.key_size, shape.value_size)
        inputs, outputs = tuple(x.numpy() for x in rows), tuple(x.numpy() for x in grads)
        fixed = (inputs, grad_rows.numpy(), notes.numpy(), states.numpy(), outputs)
        _share_out(shape.chains, lambda low, high: backward(*fixed, low, high, *_walk(shape)))
        grads[3].mul_(rows[3])
        like = (q, k, v, log_decay, beta)
        back = [g.view_as(x).to(x.dtype) for g, x in zip(grads, like, strict=True)]
        return (*back, states.reshape(shape.state_shape).to(ctx.state_dtype), None, None, None)


def _as_rows(compute: torch.dtype, *tensors: Tensor) -> list[Tensor]:
    """Contiguous [B T 4 H, D], gates [B T 4 H], in the dtype of the computation."""
    gate_axes = 4
    return [x.detach().to(compute).contiguous().flatten(0, gate_axes - 1) for x in tensors]


def _walk(shape: ScanShape) -> tuple[npt.NDArray[np.int32], tuple[int, int]]:
    return walking_order(shape.height, shape.width), (shape.heads, shape.segments)


@lru_cache(maxsize=8)
def walking_order(height: int, width: int) -> npt.NDArray[np.int32]:
    """Raster indices of all tokens in the order of each direction, [4, height * width].

    Directions: raster, reverse raster, column-major, reverse column-major. Looked up, since the
    divisions that would find a place cost more than the recurrence there.
    """
    raster = np.arange(height * width, dtype=np.int32)
    columns = raster.reshape(height, width).T.ravel()
    return np.stack([raster, raster[::-1], columns, columns[::-1]])


def _share_out(chains: int, work: Callable[[int, int], None]) -> None:
    """Run work(low, high) over all chains in torch's number of threads."""
    threads = min(torch.get_num_threads(), chains)
    if threads == 1:
        work(0, chains)
        return
    borders = [chains * i // threads for i in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        # list() waits, and passes on what a thread raised.
        list(pool.map(work, borders[:-1], borders[1:]))
