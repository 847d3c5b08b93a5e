"""Every contender on every layer, forward and forward + backward, on a CUDA device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

import torch

from bokehflow.benchmarks.kernels.cases import LAYER_CASES, LayerCase, make_inputs
from bokehflow.benchmarks.kernels.contenders import CONTENDERS, OURS, Contender, Sequences
from bokehflow.benchmarks.kernels.floors import floors
from bokehflow.benchmarks.kernels.timing import (
    copy_bytes_per_ms,
    matmul_flops_per_ms,
    time_on_device,
)
from bokehflow.errors import MissingDependencyError

FORWARD, BOTH = "forward", "forward_backward"
PASSES = (FORWARD, BOTH)


def measure_layers(
    cases: Sequence[LayerCase] = LAYER_CASES, device: str = "cuda"
) -> Iterator[dict[str, object]]:
    """One row a case, pass and contender; a contender that cannot run says why."""
    bytes_per_ms = copy_bytes_per_ms()
    operations_per_ms = matmul_flops_per_ms(torch.bfloat16)
    for case in cases:
        q, k, v, log_decay, beta = make_inputs(case, device)
        for which in PASSES:
            floor = floors(
                case,
                gradients=which == BOTH,
                bytes_per_ms=bytes_per_ms,
                operations_per_ms=operations_per_ms,
            )
            for contender in CONTENDERS:
                row = _measure(contender, case, (q, k, v, log_decay, beta), which)
                yield {**_describe(case, which, contender), "floors": asdict(floor), **row}


def planned_rows() -> list[dict[str, object]]:
    """What `measure_layers` would run."""
    return [
        {**_describe(case, which, contender), "status": "not run"}
        for case in LAYER_CASES
        for which in PASSES
        for contender in CONTENDERS
    ]


def _describe(case: LayerCase, which: str, contender: Contender) -> dict[str, object]:
    return {
        "case": case.name,
        "pass": which,
        "contender": contender.name,
        "about": contender.about,
        "batch": case.batch,
        "tokens": list(case.map_size),
        "heads": case.heads,
        "head_size": case.head_size,
        "dtype": str(case.dtype).removeprefix("torch."),
    }


def _measure(
    contender: Contender, case: LayerCase, sequences: Sequences, which: str
) -> dict[str, object]:
    try:
        times = time_on_device(_call(contender, case, sequences, which))
    except MissingDependencyError as error:
        return {"status": "not run", "reason": str(error)}
    except torch.cuda.OutOfMemoryError:
        torch.cuda.empty_cache()
        return {"status": "out of memory"}
    except RuntimeError as error:
        # fla refuses versions of Triton that compute it wrongly; our own faults are no rows.
        if contender.name == OURS:
            raise
        return {"status": "failed", "reason": str(error)}
    return {"status": "measured", **asdict(times)}


def _call(
    contender: Contender, case: LayerCase, sequences: Sequences, which: str
) -> Callable[[], object]:
    height, width = case.map_size
    if which == FORWARD:

        def forward() -> object:
            with torch.no_grad():
                return contender.form(sequences, height, width)

        return forward
    gradient = torch.ones_like(sequences[2])

    def both() -> object:
        o = contender.form(sequences, height, width)
        return torch.autograd.grad(o, sequences, gradient)

    return both
