"""Times by device events, and what a device can do at best."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

WARM_UP = 10
REPEATS = 50
LEAST_REPEATS, LONGEST_S = 7, 1.5
"""A slow call is repeated as often as this time allows, and at least so often."""
HEAD_START_CYCLES = 10_000_000
"""About five milliseconds that the device waits before every repeat, in which its queue fills: what
is timed is the device's work, not how fast Python asks for it."""
FLUSH_BYTES = 256 * 2**20
"""Several times any level-2 cache: every repeat starts with cold data, as a layer does."""


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of one call; spread: (p90 - p10) / p50; peak_mb: memory beyond the inputs, with
    what calls keep for each other, such as a recording's."""

    p50_ms: float
    p90_ms: float
    p99_ms: float
    spread: float
    repeats: int
    peak_mb: float


def time_on_device(call: Callable[[], object]) -> Times:
    """Time `call` on the current CUDA device by events around every repeat."""
    flush = torch.empty(FLUSH_BYTES, dtype=torch.int8, device="cuda")
    before = torch.cuda.memory_allocated()
    repeats = _warm_up(call)
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    pairs = []
    for _ in range(repeats):
        torch.cuda._sleep(HEAD_START_CYCLES)  # type: ignore[no-untyped-call]
        flush.zero_()
        start, stop = _event(), _event()
        start.record()
        call()
        stop.record()
        pairs.append((start, stop))
    torch.cuda.synchronize()
    peak = torch.cuda.max_memory_allocated() - before
    return summarise([start.elapsed_time(stop) for start, stop in pairs], peak / 1e6)


def _warm_up(call: Callable[[], object]) -> int:
    """Call until everything is compiled and chosen; how often to measure after that."""
    call()
    torch.cuda.synchronize()
    started = time.perf_counter()
    call()
    torch.cuda.synchronize()
    affordable = int(LONGEST_S / (time.perf_counter() - started))
    for _ in range(min(WARM_UP, affordable)):
        call()
    return max(LEAST_REPEATS, min(REPEATS, affordable))


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]


def summarise(samples_ms: list[float], peak_mb: float) -> Times:
    """Percentiles of single calls' milliseconds."""
    p10, p50, p90, p99 = np.percentile(samples_ms, (10, 50, 90, 99)).tolist()
    return Times(p50, p90, p99, (p90 - p10) / p50, len(samples_ms), peak_mb)


def copy_bytes_per_ms() -> float:
    """Measured bandwidth of a copy of 1 GiB, counting what is read and what is written."""
    source = torch.zeros(2**30, dtype=torch.int8, device="cuda")
    target = torch.empty_like(source)
    times = time_on_device(lambda: target.copy_(source))
    return 2 * source.numel() / times.p50_ms


def matmul_flops_per_ms(dtype: torch.dtype) -> float:
    """Measured rate of a square matrix product of 8192, two operations a multiply-add."""
    size = 8192
    a = torch.randn(size, size, device="cuda").to(dtype)
    times = time_on_device(lambda: a @ a)
    return float(2 * size**3 / times.p50_ms)
