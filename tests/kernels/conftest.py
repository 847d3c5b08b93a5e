"""Fixtures of the kernel tests: both implementations, and memory that is poisoned."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch.autograd.function import FunctionCtx

from bokehflow.kernels import cpu_scan_2d, gated_delta_scan_2d
from tests.kernels.cases import Scan


@pytest.fixture(params=["triton", "cpu"])
def scan(request: pytest.FixtureRequest) -> Scan:
    """Either implementation of the scan."""
    return {"triton": gated_delta_scan_2d, "cpu": cpu_scan_2d}[request.param]


@pytest.fixture
def device(request: pytest.FixtureRequest) -> torch.device:
    """Where the `scan` of this test runs: CUDA for Triton when there is one, else the CPU."""
    on_cuda = torch.cuda.is_available() and "cpu" not in request.node.callspec.id.split("-")
    return torch.device("cuda" if on_cuda else "cpu")


@pytest.fixture(autouse=True)
def _poisoned_memory() -> Iterator[None]:
    """New memory holds NaN, so that whatever a kernel forgets to write shows."""
    torch.use_deterministic_algorithms(True)
    assert torch.empty(1).isnan().all()
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tensors every scan from now on saves for its gradients, where it saves any."""
    counts: list[int] = []
    save = FunctionCtx.save_for_backward

    def counted(ctx: FunctionCtx, *tensors: torch.Tensor) -> None:
        counts.append(len(tensors))
        save(ctx, *tensors)

    monkeypatch.setattr(FunctionCtx, "save_for_backward", counted)
    return counts
