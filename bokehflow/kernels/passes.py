"""The forward and the backward pass as sequences of kernel launches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bokehflow.errors import SizeError
from bokehflow.kernels.backward_kernels import (
    chunk_gradient_kernel,
    split_gradient_kernel,
)
from bokehflow.kernels.boundary_kernel import split_scan_kernel
from bokehflow.kernels.checks import ScanShape
from bokehflow.kernels.forward_kernels import (
    chunk_state_kernel,
    scan_output_kernel,
    split_summary_kernel,
)
from bokehflow.kernels.launch import (
    Launch,
    Run,
    gate_view,
    kernel_constants,
    kernel_shape,
    row_unit,
    row_view,
    run_now,
)
from bokehflow.kernels.plan import CHUNK, LaunchPlan
from bokehflow.kernels.token_gradients import token_gradient_kernel

MOST_CHUNKS = 65_535
"""Of CUDA's grids along their second axis."""


@dataclass(frozen=True, slots=True)
class Sequences:
    """What every pass reads: q, k [B, T, 4, H, K], v [B, T, 4, H, V], gates [B, T, 4, H]."""

    q: Tensor
    k: Tensor
    v: Tensor
    log_decay: Tensor
    beta: Tensor


class Borders(NamedTuple):
    """States at the splits' starts [chains, splits, K, V], and what splits make of them: decays
    [chains, splits], both fp32, and changes [chains, splits, K, K] in the sequences' dtype. With a
    single split nothing reads the last two; they are empty."""

    starts: Tensor
    decays: Tensor
    changes: Tensor


@dataclass(frozen=True, slots=True)
class Job:
    """One scan's sizes and layout, and what executes a launch."""

    shape: ScanShape
    plan: LaunchPlan
    run: Run = run_now

    @property
    def splits(self) -> int:
        """Pieces of a chain that run side by side."""
        return self.plan.splits(self.shape.length)

    def walk(self, kernel: Any, views: tuple[Any, ...], unit: int, columns: int) -> None:
        """Run a walk over every split and over so many columns of the state."""
        layout = self.plan.walk
        grid = (self.shape.chains, self.splits, -(-columns // layout.columns))
        arguments = (*views, kernel_shape(self.shape), self.plan.split_length)
        constants = kernel_constants(self.shape, self.plan, layout, unit)
        self.run(Launch(kernel, grid, arguments, constants, layout.warps, layout.stages))

    def over_chunks(self, kernel: Any, views: tuple[Any, ...], unit: int) -> None:
        """Run a kernel on every chunk by itself. Raises SizeError for more than CUDA can launch."""
        layout = self.plan.token
        grid = (self.shape.chains, -(-self.shape.length // CHUNK))
        if grid[1] > MOST_CHUNKS:
            raise SizeError(
                f"gradients of a scan of {self.shape.length} tokens",
                f"at most {MOST_CHUNKS * CHUNK}",
                "train on smaller crops",
            )
        arguments = (*views, kernel_shape(self.shape))
        constants = kernel_constants(self.shape, self.plan, layout, unit)
        self.run(Launch(kernel, grid, arguments, constants, layout.warps, layout.stages))

    def over_splits(
        self, decays: Tensor, changes: Tensor, injections: Tensor, entry: Tensor, *, backwards: bool
    ) -> Tensor:
        """The states or gradients at the splits' borders [chains, splits, K, V]."""
        K, V = self.shape.key_size, self.shape.value_size
        boundaries = injections.new_empty(self.shape.chains, self.splits, K, V)
        layout = self.plan.boundary
        constants = {
            "K": K, "V": V, "BK": self.plan.block, "BV": layout.columns, "REVERSED": backwards,
        }  # fmt: skip
        arguments = (decays, changes, injections, entry, boundaries, self.splits)
        grid = (self.shape.chains, -(-V // layout.columns))
        self.run(Launch(split_scan_kernel, grid, arguments, constants, layout.warps, layout.stages))
        return boundaries


def forward_pass(
    sequences: Sequences, initial_state: Tensor, job: Job
) -> tuple[Tensor, Tensor, Borders]:
    """Return o [B, T, 4, H, V], the final states [chains, K, V] and what `backward_pass` needs.

    initial_state: [chains, K, V], contiguous fp32.
    """
    q, k, v = sequences.q, sequences.k, sequences.v
    o = torch.empty(v.shape, dtype=v.dtype, device=v.device)
    final = torch.empty_like(initial_state)
    borders = _forward_borders(sequences, initial_state, job)
    unit = row_unit(q, k, v, o)
    rows = (row_view(q, unit), row_view(k, unit), row_view(v, unit))
    gates = (gate_view(sequences.log_decay), gate_view(sequences.beta))
    views = (*rows, *gates, borders.starts, row_view(o, unit), final)
    job.walk(scan_output_kernel, views, unit, job.shape.value_size)
    return o, final, borders


def backward_pass(
    sequences: Sequences,
    borders: Borders,
    grad_o: Tensor,
    grad_final: Tensor,
    grads: Sequences,
    job: Job,
) -> Tensor:
    """Write the gradients of the sequences; return those of the initial states [chains, K, V].

    grad_o: [B, T, 4, H, V], any strides; grad_final: [chains, K, V], contiguous fp32. grads: of the
    sequences' shapes, any strides.
    """
    q, k, v = sequences.q, sequences.k, sequences.v
    unit = row_unit(q, k, v, grad_o, grads.q, grads.k, grads.v)
    gates = (gate_view(sequences.log_decay), gate_view(sequences.beta))
    q_view, k_view, v_view = row_view(q, unit), row_view(k, unit), row_view(v, unit)
    do_view = row_view(grad_o, unit)
    chains, K, V = grad_final.shape

    ends = grad_final.unsqueeze(1)
    if job.splits > 1:
        injections = grad_final.new_empty(chains, job.splits, V, K)
        views = (q_view, k_view, *gates, do_view, injections)
        job.walk(split_gradient_kernel, views, unit, V)
        ends = job.over_splits(
            borders.decays, borders.changes, injections, grad_final, backwards=True
        )

    chunks = -(-job.shape.length // CHUNK)
    states = grad_final.new_empty(chains, chunks, V, K)  # transposed
    state_grads, grad_initial = torch.empty_like(states), torch.empty_like(grad_final)
    forward = (k_view, v_view, *gates, borders.starts, states)
    job.walk(chunk_state_kernel, forward, unit, V)
    backward = (q_view, k_view, *gates, do_view, ends, state_grads, grad_initial)
    job.walk(chunk_gradient_kernel, backward, unit, V)

    read = (q_view, k_view, v_view, *gates, do_view, states, state_grads)
    rows = (row_view(grads.q, unit), row_view(grads.k, unit), row_view(grads.v, unit))
    written = (*rows, gate_view(grads.log_decay), gate_view(grads.beta))
    job.over_chunks(token_gradient_kernel, (*read, *written), unit)
    return grad_initial


def both_passes(sequences: Sequences, initial_state: Tensor, job: Job) -> None:
    """Forward, and backward with the outputs as their own gradients, for those who want to see what
    is launched."""
    o, final, borders = forward_pass(sequences, initial_state, job)
    backward_pass(sequences, borders, o, final, room_like(sequences), job)


def _forward_borders(sequences: Sequences, initial_state: Tensor, job: Job) -> Borders:
    """States at every split's start; with one split that is the initial state itself."""
    if job.splits == 1:
        nothing = initial_state.new_empty(0)
        return Borders(initial_state.unsqueeze(1), nothing, nothing)
    k, v = sequences.k, sequences.v
    K, V = job.shape.key_size, job.shape.value_size
    decays = initial_state.new_empty(job.shape.chains, job.splits)
    changes = k.new_empty(job.shape.chains, job.splits, K, K)
    injections = initial_state.new_empty(job.shape.chains, job.splits, V, K)
    unit = row_unit(k, v)
    gates = (gate_view(sequences.log_decay), gate_view(sequences.beta))
    views = (row_view(k, unit), row_view(v, unit), *gates, decays, changes, injections)
    job.walk(split_summary_kernel, views, unit, max(K, V))
    starts = job.over_splits(decays, changes, injections, initial_state, backwards=False)
    return Borders(starts, decays, changes)


def room_like(sequences: Sequences) -> Sequences:
    """New contiguous tensors of the same shapes."""
    names = ("q", "k", "v", "log_decay", "beta")
    like = (getattr(sequences, name) for name in names)
    return Sequences(*(torch.empty(x.shape, dtype=x.dtype, device=x.device) for x in like))
