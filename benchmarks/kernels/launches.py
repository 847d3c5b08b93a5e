"""Every kernel of our passes by itself: where a layer's time goes, and what memory alone takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

import torch

from bokehflow.benchmarks.kernels.cases import LayerCase, make_inputs
from bokehflow.benchmarks.kernels.row_traffic import row_traffic_kernel
from bokehflow.benchmarks.kernels.timing import time_on_device
from bokehflow.kernels.checks import ScanShape
from bokehflow.kernels.forward_kernels import scan_output_kernel
from bokehflow.kernels.job import Job, Sequences
from bokehflow.kernels.launch import Launch, run_now
from bokehflow.kernels.passes import both_passes
from bokehflow.kernels.plan import plan_launch
from bokehflow.kernels.triton_scan import processors_of
from bokehflow.specs import TOKEN_STRIDE

FRAME = LayerCase("frame", "nano", 1, 720, 1280)
ONE_LINE = LayerCase("one line", "nano", 1, TOKEN_STRIDE, 720 * 1280 // TOKEN_STRIDE)
"""The same tokens, which every direction meets in the order in which they lie in memory."""


def measure_launches(
    cases: Sequence[LayerCase] = (FRAME, ONE_LINE), device: str = "cuda"
) -> Iterator[dict[str, object]]:
    """One row a kernel and map."""
    for case in cases:
        launches = pass_launches(case, torch.device(device))
        for launch in [*launches, traffic_of(launches)]:
            times = time_on_device(lambda launch=launch: run_now(launch))  # type: ignore[misc]
            yield {"case": case.name, "kernel": launch.kernel.__name__, **asdict(times)}


def traffic_of(launches: Sequence[Launch]) -> Launch:
    """The output walk among these launches with its memory traffic alone."""
    walk = next(x for x in launches if x.kernel is scan_output_kernel)
    return replace(walk, kernel=row_traffic_kernel)


def pass_launches(case: LayerCase, device: torch.device) -> list[Launch]:
    """The launches of one forward and one backward pass in their order, each of them run once."""
    q, k, v, log_decay, beta = (x.detach() for x in make_inputs(case, device))
    rows, columns = case.map_size
    shape = ScanShape(case.batch, rows, columns, case.heads, case.head_size, case.head_size)
    plan = plan_launch(case.head_size, shape.length, shape.chains, case.dtype, processors_of(q))
    launches: list[Launch] = []

    def run(launch: Launch) -> None:
        launches.append(launch)
        run_now(launch)

    job, sequences = Job(shape, plan, run), Sequences(q, k, v, log_decay, beta)
    state = torch.zeros(shape.chains, case.head_size, case.head_size, device=device)
    both_passes(sequences, state, job)
    return launches
