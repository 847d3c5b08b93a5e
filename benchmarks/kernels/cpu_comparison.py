"""The compiled CPU scan against the chunked torch form, in whole training steps of Nano."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bokehflow.benchmarks.kernels.cases import CPU_TRAINING_CASE, LayerCase, make_inputs
from bokehflow.benchmarks.kernels.training_step import NO_SCAN, make_step
from bokehflow.errors import CheckError
from bokehflow.kernels import cpu_scan_2d
from bokehflow.scan import chunk_scan_2d

BATCH, SIDE_PX = 8, 128
REPEATS = 5
AGREEMENT = 1e-4
"""Relative RMS between the two forms' outputs and gradients: a slip would be of order 1."""


@dataclass(frozen=True, slots=True)
class CpuComparison:
    """Seconds of one whole training step in float32 (forward, backward, AdamW), medians of paired
    runs: `batch` crops of `side_px`.

    speed_up is the median of the pairs' ratios, with the lowest and highest beside it.
    processor_speed_up is the same in processor seconds of all threads, which other programs on
    the machine disturb less than the clock. floor_s is the step without any scan.
    """

    batch: int
    side_px: int
    threads: int
    repeats: int
    chunked_s: float
    cpu_s: float
    floor_s: float
    speed_up: float
    speed_up_lowest: float
    speed_up_highest: float
    processor_speed_up: float


def compare_on_cpu(
    batch: int = BATCH,
    side_px: int = SIDE_PX,
    repeats: int = REPEATS,
    agreement_case: LayerCase = CPU_TRAINING_CASE,
) -> CpuComparison:
    """Time both forms turn about, so that whatever else the machine does meets both.

    Raises CheckError when the two forms do not compute the same on `agreement_case`.
    """
    _check_agreement(_layer(chunk_scan_2d, agreement_case), _layer(cpu_scan_2d, agreement_case))
    steps = [
        make_step(form, torch.device("cpu"), batch, side_px, torch.float32)
        for form in ("chunked", "cpu", NO_SCAN)
    ]
    for step in steps:
        step()
    rounds = [[_seconds(step) for step in steps] for _ in range(repeats)]
    ratios = [chunked.clock / cpu.clock for chunked, cpu, _ in rounds]
    return CpuComparison(
        batch=batch,
        side_px=side_px,
        threads=torch.get_num_threads(),
        repeats=repeats,
        chunked_s=statistics.median(chunked.clock for chunked, _, _ in rounds),
        cpu_s=statistics.median(cpu.clock for _, cpu, _ in rounds),
        floor_s=statistics.median(floor.clock for _, _, floor in rounds),
        speed_up=statistics.median(ratios),
        speed_up_lowest=min(ratios),
        speed_up_highest=max(ratios),
        processor_speed_up=statistics.median(c.processor / ours.processor for c, ours, _ in rounds),
    )


class _Seconds(NamedTuple):
    clock: float
    processor: float


def _layer(scan: Callable[..., tuple[Tensor, Tensor]], case: LayerCase) -> list[Tensor]:
    """o and the gradients of one layer."""
    inputs = make_inputs(case, "cpu")
    height, width = case.map_size
    o, _ = scan(*inputs, None, height, width)
    return [o.detach(), *torch.autograd.grad(o, inputs, torch.ones_like(o))]


def _seconds(step: Callable[[], Tensor]) -> _Seconds:
    clock, processor = time.perf_counter(), time.process_time()
    step()
    return _Seconds(time.perf_counter() - clock, time.process_time() - processor)


def _check_agreement(reference: list[Tensor], test: list[Tensor]) -> None:
    for wanted, found in zip(reference, test, strict=True):
        error = float((found - wanted).norm() / wanted.norm())
        if not error <= AGREEMENT:
            raise CheckError(f"the CPU scan differs by {error:.1e}", f"at most {AGREEMENT:.0e}")
