"""flash-linear-attention's own gated delta rule as an independent implementation."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor

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

    case = Case(5, 7, heads=2)
    inputs = [x.detach().to(device).requires_grad_() for x in case.inputs()]
    reference = run_with_gradients(
        theirs, [x.detach().cpu().requires_grad_() for x in inputs], case
    )
    test = run_with_gradients(scan, inputs, case)
    assert_close([(n, x.double()) for n, x in reference], test, case.dtype)
