"""The forward and the backward pass as sequences of kernel launches."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from bokehflow.kernels.backward_kernels import (
    chunk_gradient_kernel,
    split_gradient_kernel,
)
from bokehflow.kernels.borders import Maps, empty_maps, states_at_borders
from bokehflow.kernels.forward_kernels import (
    chunk_state_kernel,
    scan_output_kernel,
    split_summary_kernel,
)
from bokehflow.kernels.job import Job, Sequences
from bokehflow.kernels.launch import gate_view, row_unit, row_view
from bokehflow.kernels.token_gradients import token_gradient_kernel


class Borders(NamedTuple):
    """States at the splits' starts, fp32 [chains, splits, K, V], and the decays and changes of what
    splits make of them, as in `Maps`. With a single split nothing reads the last two; they are
    empty."""

    starts: Tensor
    decays: Tensor
    changes: Tensor


def forward_pass(
    sequences: Sequences, initial_state: Tensor, job: Job
) -> tuple[Tensor, Tensor, Borders]:
    """Return o [B, T, 4, H, V], the final state in fp32 and what `backward_pass` needs.

    initial_state: [chains, K, V], contiguous fp32. The final state has the scan's own shape from
    the start: autograd forbids changes in place of a view that a function returns.
    """
    q, k, v = sequences.q, sequences.k, sequences.v
    o = torch.empty(v.shape, dtype=v.dtype, device=v.device)
    final = torch.empty(job.shape.state_shape, dtype=torch.float32, device=v.device)
    gates = job.gathered_gates(sequences)
    borders = _forward_borders(sequences, gates, initial_state, job)
    unit = row_unit(q, k, v, o)
    rows = (row_view(q, unit), row_view(k, unit), row_view(v, unit))
    views = (*rows, gates, borders.starts, row_view(o, unit), final)
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
    gates = job.gathered_gates(sequences)
    unit = row_unit(q, k, v, grad_o, grads.q, grads.k, grads.v)
    q_view, k_view, v_view = row_view(q, unit), row_view(k, unit), row_view(v, unit)
    do_view = row_view(grad_o, unit)
    chains, K, V = grad_final.shape

    ends = grad_final.unsqueeze(1)
    if job.splits > 1:
        injections = grad_final.new_empty(chains, job.splits, V, K)
        job.walk(split_gradient_kernel, (q_view, k_view, gates, do_view, injections), unit, V)
        maps = Maps(borders.decays, borders.changes, injections)
        ends = states_at_borders(maps, grad_final, job, backwards=True)

    states = grad_final.new_empty(chains, job.chunks, V, K)  # transposed
    state_grads, grad_initial = torch.empty_like(states), torch.empty_like(grad_final)
    forward = (k_view, v_view, gates, borders.starts, states)
    job.walk(chunk_state_kernel, forward, unit, V)
    backward = (q_view, k_view, gates, do_view, ends, state_grads, grad_initial)
    job.walk(chunk_gradient_kernel, backward, unit, V)

    read = (q_view, k_view, v_view, gates, do_view, states, state_grads)
    rows = (row_view(grads.q, unit), row_view(grads.k, unit), row_view(grads.v, unit))
    written = (*rows, gate_view(grads.log_decay), gate_view(grads.beta))
    job.over_chunks(token_gradient_kernel, (*read, *written), unit)
    return grad_initial


def both_passes(sequences: Sequences, initial_state: Tensor, job: Job) -> None:
    """Forward, and backward with the outputs as their own gradients, for those who want to see what
    is launched."""
    o, final, borders = forward_pass(sequences, initial_state, job)
    grad_final = final.reshape(initial_state.shape)
    backward_pass(sequences, borders, o, grad_final, room_like(sequences), job)


def _forward_borders(
    sequences: Sequences, gates: Tensor, initial_state: Tensor, job: Job
) -> Borders:
    """States at every split's start; with one split that is the initial state itself."""
    if job.splits == 1:
        nothing = initial_state.new_empty(0)
        return Borders(initial_state.unsqueeze(1), nothing, nothing)
    k, v = sequences.k, sequences.v
    maps = empty_maps(k, job.splits, job)
    unit = row_unit(k, v)
    views = (row_view(k, unit), row_view(v, unit), gates, *maps)
    job.walk(split_summary_kernel, views, unit, max(job.shape.key_size, job.shape.value_size))
    starts = states_at_borders(maps, initial_state, job, backwards=False)
    return Borders(starts, maps.decays, maps.changes)


def room_like(sequences: Sequences) -> Sequences:
    """New contiguous tensors of the same shapes."""
    names = ("q", "k", "v", "log_decay", "beta")
    like = (getattr(sequences, name) for name in names)
    return Sequences(*(torch.empty(x.shape, dtype=x.dtype, device=x.device) for x in like))
