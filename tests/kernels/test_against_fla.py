"""flash-linear-attention's own gated delta rule as an independent implementation."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor

from bokehflow.benchmarks.kernels.contenders import fla_permuted
from bokehflow.kernels import gated_delta_scan_2d
from tests.kernels.cases import Case, Scan, assert_close, run_with_gradients


def _fla() -> Any:
    with warnings.catch_warnings():
        # It warns that there is no GPU, and about its own dependencies.
        warnings.simplefilter("ignore")
        return pytest.importorskip("fla.ops.gated_delta_rule", reason="flash-linear-attention")


def _orders(height: int, width: int) -> list[Tensor]:
    raster = torch.arange(height * width)
    columns = raster.view(height, width).t().reshape(-1)
    return [raster, raster.flip(0), columns, columns.flip(0)]


def test_matches_flas_recurrence(scan: Scan, device: torch.device) -> None:
    _fla()
    from fla.ops.gated_delta_rule.naive import naive_recurrent_gated_delta_rule

    def theirs(*x: Any) -> tuple[Tensor, Tensor]:
        q, k, v, log_decay, beta, state, height, width = x
        outputs, finals = [], []
        for d, order in enumerate(_orders(height, width)):
            pick = [y[:, order, d] for y in (q, k, v, beta, log_decay)]
            o, final = naive_recurrent_gated_delta_rule(
                *pick, scale=1.0, initial_state=state[:, d], output_final_state=True
            )
            outputs.append(o[:, order.argsort()])
            finals.append(final)
        return torch.stack(outputs, dim=2), torch.stack(finals, dim=1)

    case = Case(4, 5, heads=2)
    inputs = [x.detach().to(device).requires_grad_() for x in case.inputs()]
    reference = run_with_gradients(
        theirs, [x.detach().cpu().requires_grad_() for x in inputs], case
    )
    test = run_with_gradients(scan, inputs, case)
    assert_close([(n, x.double()) for n, x in reference], test, case.dtype)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_matches_flas_kernels() -> None:
    """Their chunk kernels in bf16 on permuted copies, from the empty state."""
    _fla()
    case = Case(45, 64, heads=2, dtype=torch.bfloat16)
    q, k, v, log_decay, beta, _ = (x.detach().cuda().requires_grad_() for x in case.inputs())
    sequences = (q, k, v, log_decay, beta)
    reference = fla_permuted(sequences, case.height, case.width)
    test, _ = gated_delta_scan_2d(*sequences, None, height=case.height, width=case.width)
    pairs = [("o", reference, test)]
    upstream = torch.ones_like(reference)
    theirs = torch.autograd.grad(reference, sequences, upstream)
    ours = torch.autograd.grad(test, sequences, upstream)
    pairs += [("gradient", a, b) for a, b in zip(theirs, ours, strict=True)]
    exact = [(name, a.detach().cpu().double()) for name, a, _ in pairs]
    assert_close(exact, [(name, b.detach()) for name, _, b in pairs], case.dtype)
