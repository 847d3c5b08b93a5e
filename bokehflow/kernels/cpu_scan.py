"""The four-direction gated delta scan on the CPU, with its gradients: `scan="cpu"`.

Chains (batch x segments x directions x heads) are shared out over as many threads as torch is
set to use; the compiled recurrence releases Python's lock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bokehflow.errors import UsageError
from bokehflow.kernels.checks import (
    DIRECTION_COUNT,
    ScanShape,
    ScanTensors,
    check_inputs,
    split_projection,
)
from bokehflow.kernels.cpu_recurrence import BLOCK, Recurrence, compile_recurrence
from bokehflow.kernels.first_order import first_order
from bokehflow.kernels.scan_inputs import keeps_for_gradients, state_or_zeros
from bokehflow.kernels.walks import walking_order

DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


def scan(tensors: ScanTensors, height: int, width: int, segments: int) -> tuple[Tensor, Tensor]:
    """See `bokehflow.kernels.cpu_scan_2d`."""
    job = _checked(tensors, height, width, segments, None)
    return _run(job, tensors, (tensors.q, tensors.k, tensors.v))


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
    """See `bokehflow.kernels.cpu_projected_scan_2d`."""
    tensors = ScanTensors(*split_projection(qkv), log_decay, beta, initial_state)
    job = _checked(tensors, height, width, segments, key_epsilon)
    return _run(job, tensors, (qkv,))


@dataclass(frozen=True, slots=True)
class _Job:
    """What is scanned, in which arithmetic, and what is added to the squares of keys' lengths
    where they are normalised, None where they are not."""

    shape: ScanShape
    compute: torch.dtype
    key_epsilon: float | None

    @property
    def recurrence(self) -> Recurrence:
        """For the heads' sizes."""
        sizes = self.shape.key_size, self.shape.value_size
        return compile_recurrence(*sizes, self.key_epsilon is not None)

    def flat(self, *tensors: Tensor) -> list[Tensor]:
        """Contiguous and flat, in the dtype of the computation."""
        return [x.detach().to(self.compute).contiguous().flatten() for x in tensors]

    def arrays(self, sequences: Sequence[Tensor]) -> tuple[npt.NDArray[Any], ...]:
        """q, k and v from flat tensors: three, or one that holds all three of every token."""
        if len(sequences) > 1:
            return tuple(x.numpy() for x in sequences)
        together = sequences[0].numpy()
        width = DIRECTION_COUNT * self.shape.heads * self.shape.key_size
        return tuple(together[i * width :] for i in range(3))

    def inputs(
        self, sequences: Sequence[Tensor], log_decay: Tensor, beta: Tensor
    ) -> tuple[Any, ...]:
        """`cpu_token.INPUTS`, from flat tensors."""
        whole, part = (x.numpy() for x in _whole_and_part(log_decay))
        epsilon = part.dtype.type(self.key_epsilon or 0.0)
        return (*self.arrays(sequences), whole, part, beta.numpy(), epsilon)

    def walk(self, sequences: Sequence[Tensor]) -> tuple[npt.NDArray[np.int32], tuple[Any, ...]]:
        """Order and layout, as `Recurrence` takes them."""
        shape = self.shape
        apart = DIRECTION_COUNT * shape.heads * (1 if len(sequences) > 1 else 3)
        strides = tuple(apart * n for n in (shape.key_size, shape.key_size, shape.value_size))
        # Looked up: the divisions that would find a place cost more than the recurrence there.
        order = walking_order(shape.height, shape.width).reshape(-1)
        return order, (shape.heads, shape.segments, strides)


def _checked(
    tensors: ScanTensors, height: int, width: int, segments: int, key_epsilon: float | None
) -> _Job:
    if tensors.q.device.type != "cpu":
        raise UsageError(
            f"the CPU scan was given tensors on {tensors.q.device}",
            "tensors on the CPU",
            "use the Triton scan for CUDA tensors",
        )
    shape = check_inputs(tensors, height, width, segments, DTYPES)
    compute = torch.float64 if tensors.q.dtype == torch.float64 else torch.float32
    return _Job(shape, compute, key_epsilon)


def _run(job: _Job, tensors: ScanTensors, sequences: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    if torch.compiler.is_compiling():
        # torch.compile would trace into Numba's compiler, and end there.
        return torch.compiler.disable(_apply)(job, tensors, sequences)  # type: ignore[no-any-return,no-untyped-call]
    return _apply(job, tensors, sequences)


def _apply(job: _Job, tensors: ScanTensors, sequences: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    state = state_or_zeros(tensors, job.shape, job.compute)
    inputs = (tensors.log_decay, tensors.beta, state, *sequences)
    return _CpuScan.apply(job, keeps_for_gradients(inputs), *inputs)  # type: ignore[no-any-return,no-untyped-call]


class _CpuScan(torch.autograd.Function):
    """With `keep`, the inputs, a state every BLOCK tokens and what each token recalled are saved.

    sequences: q, k and v, or one tensor of all three.
    """

    @staticmethod
    def forward(
        ctx: Any,
        job: _Job,
        keep: bool,
        log_decay: Tensor,
        beta: Tensor,
        initial_state: Tensor,
        *sequences: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """o, of log_decay's shape with values as last axis, and a final state like the initial."""
        shape, flat = job.shape, job.flat(*sequences)
        logs, strength = job.flat(log_decay, beta)
        # No view: autograd forbids changes in place of one that a function returns.
        states = torch.empty(shape.state_shape, dtype=job.compute).copy_(initial_state)
        o = states.new_empty(*log_decay.shape, shape.value_size)
        blocks = -(-shape.length // BLOCK) if keep else 0
        notes = states.new_empty(blocks * states.numel())
        recalled = states.new_empty(o.numel() if keep else 0)
        fixed = (
            job.inputs(flat, logs, strength),
            states.flatten().numpy(),
            (recalled.numpy(), o.flatten().numpy()),
            notes.numpy(),
        )
        run, walk = job.recurrence.forward, job.walk(flat)
        _share_out(shape.chains, lambda low, high: run(*fixed, low, high, *walk))
        if keep:
            ctx.save_for_backward(log_decay, beta, notes, recalled, *sequences)
            ctx.job, ctx.state_dtype = job, initial_state.dtype
        return o.to(sequences[0].dtype), states

    @staticmethod
    @first_order
    def backward(ctx: Any, grad_o: Tensor, grad_final: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of every tensor that `forward` took, each of its shape and dtype."""
        log_decay, beta, notes, recalled, *sequences = ctx.saved_tensors
        job: _Job = ctx.job
        flat = job.flat(*sequences)
        logs, strength, grad_rows, grad_states = job.flat(log_decay, beta, grad_o, grad_final)
        states = grad_states.clone()
        *grad_flat, grad_decay, grad_beta = (torch.empty_like(x) for x in (*flat, logs, strength))
        fixed = (
            job.inputs(flat, logs, strength),
            (recalled.numpy(), grad_rows.numpy()),
            notes.numpy(),
            states.numpy(),
            (*job.arrays(grad_flat), grad_decay.numpy(), grad_beta.numpy()),
        )
        run, walk = job.recurrence.backward, job.walk(flat)
        _share_out(job.shape.chains, lambda low, high: run(*fixed, low, high, *walk))
        inputs = (log_decay, beta, *sequences)
        found = (grad_decay * logs.exp(), grad_beta, *grad_flat)
        back = [g.view(x.shape).to(x.dtype) for g, x in zip(found, inputs, strict=True)]
        start = states.view(job.shape.state_shape).to(ctx.state_dtype)
        return (None, None, *back[:2], start, *back[2:])


def _whole_and_part(log_decay: Tensor) -> tuple[Tensor, Tensor]:
    """Two numbers that add up to the decay: 1 and a small one where it loses less than half."""
    loses_little = log_decay > math.log(0.5)
    return (
        loses_little.to(log_decay.dtype),
        torch.where(loses_little, log_decay.expm1(), log_decay.exp()),
    )


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
