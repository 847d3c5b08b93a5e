"""The compiled CPU scan against the chunked torch form: the scans of one Nano training step."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from bokehflow.benchmarks.kernels.cases import (
    CPU_TRAINING_CASE,
    NANO_LAYERS,
    LayerCase,
    make_inputs,
)
from bokehflow.errors import CheckError
from bokehflow.kernels import cpu_scan_2d
from bokehflow.scan import chunk_scan_2d

REPEATS = 5
AGREEMENT = 1e-4
"""Relative RMS between the two forms' outputs and gradients: a slip would be of order 1."""


@dataclass(frozen=True, slots=True)
class CpuComparison:
    """Seconds of the scans of one training step, forward and backward, medians of paired runs.

    speed_up is the median of the pairs' ratios, with the lowest and highest beside it.
    processor_speed_up is the same in processor seconds of all threads, which other programs on
    the machine disturb less than the clock.
    """

    case: str
    layers: int
    threads: int
    repeats: int
    chunked_s: float
    cpu_s: float
    speed_up: float
    speed_up_lowest: float
    speed_up_highest: float
    processor_speed_up: float


def compare_on_cpu(
    case: LayerCase = CPU_TRAINING_CASE, layers: int = NANO_LAYERS, repeats: int = REPEATS
) -> CpuComparison:
    """Time both forms turn about, so that whatever else the machine does meets both.

    Raises CheckError when the two forms do not compute the same.
    """
    inputs = make_inputs(case, "cpu")
    _check_agreement(_layer(chunk_scan_2d, case, inputs), _layer(cpu_scan_2d, case, inputs))
    pairs = [
        (_seconds(chunk_scan_2d, case, inputs, layers), _seconds(cpu_scan_2d, case, inputs, layers))
        for _ in range(repeats)
    ]
    ratios = [chunked.clock / cpu.clock for chunked, cpu in pairs]
    return CpuComparison(
        case=case.name,
        layers=layers,
        threads=torch.get_num_threads(),
        repeats=repeats,
        chunked_s=statistics.median(chunked.clock for chunked, _ in pairs),
        cpu_s=statistics.median(cpu.clock for _, cpu in pairs),
        speed_up=statistics.median(ratios),
        speed_up_lowest=min(ratios),
        speed_up_highest=max(ratios),
        processor_speed_up=statistics.median(c.processor / ours.processor for c, ours in pairs),
    )


class _Seconds(NamedTuple):
    clock: float
    processor: float


def _layer(
    scan: Callable[..., tuple[Tensor, Tensor]], case: LayerCase, inputs: list[Tensor]
) -> list[Tensor]:
    """o and the gradients of one layer."""
    height, width = case.map_size
    o, _ = scan(*inputs, None, height, width)
    return [o.detach(), *torch.autograd.grad(o, inputs, torch.ones_like(o))]


def _seconds(
    scan: Callable[..., tuple[Tensor, Tensor]], case: LayerCase, inputs: list[Tensor], layers: int
) -> _Seconds:
    clock, processor = time.perf_counter(), time.process_time()
    for _ in range(layers):
        _layer(scan, case, inputs)
    return _Seconds(time.perf_counter() - clock, time.process_time() - processor)


def _check_agreement(reference: list[Tensor], test: list[Tensor]) -> None:
    for wanted, found in zip(reference, test, strict=True):
        error = float((found - wanted).norm() / wanted.norm())
        if not error <= AGREEMENT:
            raise CheckError(f"the CPU scan differs by {error:.1e}", f"at most {AGREEMENT:.0e}")
