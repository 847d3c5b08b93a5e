"""States carried from call to call, and segments with states of their own."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bokehflow.scan import naive_gated_delta
from tests.kernels.cases import Case, Scan, assert_close, run_with_gradients


def test_two_chained_calls_equal_one(scan: Scan, device: torch.device) -> None:
    """A line of 38 tokens in two calls of 19; reverse directions meet the second half first."""
    whole, half = Case(1, 38), Case(1, 19)
    inputs = [x.detach().to(device).requires_grad_() for x in whole.inputs()]
    reverse = torch.tensor([False, True, False, True], device=device)

    def pick(x: Tensor, first: bool) -> Tensor:
        early, late = x[:, : half.tokens], x[:, half.tokens :]
        mask = (reverse == first).view(1, 1, 4, *[1] * (x.dim() - 3))
        return torch.where(mask, late, early)

    def chained(*tensors: Tensor) -> tuple[Tensor, Tensor]:
        sequences, state = tensors[:5], tensors[5]
        a, state = scan(*(pick(x, True) for x in sequences), state, half.height, half.width)
        b, state = scan(*(pick(x, False) for x in sequences), state, half.height, half.width)
        mask = reverse.view(1, 1, 4, 1, 1)
        return torch.cat([torch.where(mask, b, a), torch.where(mask, a, b)], dim=1), state

    def at_once(*tensors: Tensor) -> tuple[Tensor, Tensor]:
        return scan(*tensors, whole.height, whole.width)

    reference = run_with_gradients(lambda *x: at_once(*x[:6]), inputs, whole)
    test = run_with_gradients(lambda *x: chained(*x[:6]), inputs, whole)
    assert_close([(n, x.cpu().double()) for n, x in reference], test, whole.dtype)


def _orders(height: int, width: int) -> list[Tensor]:
    """Raster index of every direction's tokens in its own order."""
    raster = torch.arange(height * width)
    columns = raster.view(height, width).t().reshape(-1)
    return [raster, raster.flip(0), columns, columns.flip(0)]


def _segmented_truth(inputs: list[Tensor], case: Case, segments: int) -> tuple[Tensor, Tensor]:
    """Every direction and segment by itself through the recurrence."""
    *sequences, state = inputs
    recurrence: Scan = naive_gated_delta
    outputs, finals = [], []
    for direction, order in enumerate(_orders(case.height, case.width)):
        parts = [
            recurrence(*(x[:, piece, direction] for x in sequences), state[:, i, direction])
            for i, piece in enumerate(order.chunk(segments))
        ]
        outputs.append(torch.cat([o for o, _ in parts], dim=1)[:, order.argsort()])
        finals.append(torch.stack([final for _, final in parts], dim=1))
    return torch.stack(outputs, dim=2), torch.stack(finals, dim=2)


@pytest.mark.parametrize("segments", [2, 4])
def test_segments_are_independent(scan: Scan, device: torch.device, segments: int) -> None:
    case = Case(4, 8, decay=1.0)
    *sequences, _ = case.inputs()
    state = torch.randn(1, segments, 4, 1, 16, 16).requires_grad_()
    inputs = [x.detach().to(device).requires_grad_() for x in (*sequences, state)]
    exact = [x.detach().cpu().double().requires_grad_() for x in inputs]
    reference = run_with_gradients(
        lambda *x: _segmented_truth(list(x[:6]), case, segments), exact, case
    )
    test = run_with_gradients(lambda *x: scan(*x, segments=segments), inputs, case)
    assert_close(reference, test, case.dtype)


def test_a_state_can_be_set_back_in_place(scan: Scan, device: torch.device) -> None:
    case = Case(2, 3, batch=2)
    inputs = [x.detach().to(device).requires_grad_() for x in case.inputs()]
    o, state = scan(*inputs, case.height, case.width)
    state[1] = 0.0
    assert bool(state[0].any())
    (o.sum() + state.sum()).backward()
    assert all(x.grad is not None and bool(x.grad.isfinite().all()) for x in inputs)
