"""A hundred runs with one result."""

from __future__ import annotations

import pytest
import torch

from bokehflow.kernels import cpu_scan_2d, gated_delta_scan_2d
from tests.kernels.cases import Case, Scan, run_with_gradients

RUNS = 100


@pytest.mark.parametrize(
    ("scan", "device"),
    [
        pytest.param(cpu_scan_2d, "cpu", id="cpu"),
        pytest.param(gated_delta_scan_2d, "cuda", id="cuda", marks=pytest.mark.cuda),
    ],
)
def test_a_hundred_runs_agree_to_the_bit(scan: Scan, device: str) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    case = Case(7, 13, heads=2)
    inputs = [x.detach().to(device).requires_grad_() for x in case.inputs()]
    first = run_with_gradients(scan, inputs, case)
    for _ in range(RUNS - 1):
        again = run_with_gradients(scan, inputs, case)
        for (name, wanted), (_, found) in zip(first, again, strict=True):
            assert torch.equal(wanted, found), name
