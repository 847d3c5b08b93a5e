"""One scan's tensors and sizes, and how its kernels are launched over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import triton
from torch import Tensor

from bokehflow.errors import SizeError
from bokehflow.kernels.checks import ScanShape
from bokehflow.kernels.gate_kernel import gate_kernel
from bokehflow.kernels.launch import (
    Run,
    gate_view,
    kernel_constants,
    kernel_shape,
    laid_out,
    run_now,
)
from bokehflow.kernels.plan import CHUNK, GATES, LaunchPlan

MOST_PROGRAMS = 65_535
"""Of CUDA's grids along their second axis."""


@dataclass(frozen=True, slots=True)
class Sequences:
    """What every pass reads: q, k [B, T, 4, H, K], v [B, T, 4, H, V], gates [B, T, 4, H]."""

    q: Tensor
    k: Tensor
    v: Tensor
    log_decay: Tensor
    beta: Tensor


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

    @property
    def chunks(self) -> int:
        """Chunks of a chain."""
        return -(-self.shape.length // CHUNK)

    def walk(self, kernel: Any, views: tuple[Any, ...], unit: int, columns: int) -> None:
        """Run a walk over every split and over so many columns of the state."""
        layout = self.plan.walk
        grid = (self.shape.chains, self.splits, -(-columns // layout.columns))
        arguments = (*views, kernel_shape(self.shape), self.plan.split_length)
        constants = kernel_constants(self.shape, self.plan, layout, unit)
        self.run(laid_out(kernel, grid, arguments, constants, layout))

    def over_chunks(self, kernel: Any, views: tuple[Any, ...], unit: int) -> None:
        """Run a kernel on every chunk by itself. Raises SizeError for more than CUDA can launch."""
        layout = self.plan.token
        grid = (self.shape.chains, self.chunks)
        _require_launchable(grid[1], f"gradients of a scan of {self.shape.length} tokens", CHUNK)
        arguments = (*views, kernel_shape(self.shape))
        constants = kernel_constants(self.shape, self.plan, layout, unit)
        self.run(laid_out(kernel, grid, arguments, constants, layout))

    def gathered_gates(self, sequences: Sequences) -> Tensor:
        """The gates as walks read them, [chains, chunks, 2, CHUNK] in fp32; see `gate_kernel`.

        Raises SizeError for more than CUDA can launch.
        """
        shape, log_decay = self.shape, sequences.log_decay
        size = (shape.chains, self.chunks, 2, CHUNK)
        gates = torch.empty(size, dtype=torch.float32, device=log_decay.device)
        walks = shape.chains // shape.heads
        grid = (walks, triton.cdiv(self.chunks * CHUNK, GATES.columns))
        _require_launchable(grid[1], f"a scan of {shape.length} tokens", GATES.columns)
        views = (gate_view(log_decay), gate_view(sequences.beta), gates)
        constants = {
            "BH": triton.next_power_of_2(shape.heads), "BLOCK": GATES.columns, "C": CHUNK,
        }  # fmt: skip
        arguments = (*views, kernel_shape(shape))
        self.run(laid_out(gate_kernel, grid, arguments, constants, GATES))
        return gates


def _require_launchable(programs: int, what: str, tokens: int) -> None:
    """Raise SizeError for more programs, of so many tokens each, than CUDA's second axis has."""
    if programs > MOST_PROGRAMS:
        raise SizeError(what, f"at most {MOST_PROGRAMS * tokens}", "smaller frames or crops")
