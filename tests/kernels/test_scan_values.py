"""Outputs, final states and every gradient of both kernels against the float64 recurrence."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from bokehflow.kernels import cpu_scan_2d
from tests.kernels.cases import Case, Scan, assert_close, run_with_gradients, truth

HALF, BRAIN = torch.float16, torch.bfloat16

CASES = {
    "odd_map": Case(5, 7),
    "one_token": Case(1, 1),
    "one_row": Case(1, 18),
    "one_column": Case(19, 1),
    "whole_chunks": Case(4, 8),
    "two_heads_two_images": Case(2, 4, heads=2, batch=2),
    "keys_wider_than_values": Case(2, 5, key_size=20, value_size=9),
    "values_wider_than_keys": Case(2, 5, key_size=5, value_size=32),
    "head_24": Case(3, 7, key_size=24, value_size=24),
    "neighbouring_keys": Case(5, 7, keys="ar1", decay=1.0),
    "identical_keys": Case(3, 6, keys="same", decay=1.0),
    "identical_keys_full_beta": Case(3, 6, keys="same", beta=1.0, decay=1.0),
    "beta_0": Case(3, 6, beta=0.0),
    "beta_1": Case(3, 6, beta=1.0),
    "decay_1e-12": Case(3, 6, decay=1e-12),
    "decay_1": Case(3, 6, decay=1.0),
    "now_and_then_decay_0": Case(3, 6, decay="cuts"),
    "mixed_decay": Case(5, 7, decay="mixed"),
    "fp16": Case(5, 7, dtype=HALF),
    "fp16_identical_keys": Case(3, 6, keys="same", beta=1.0, dtype=HALF),
    "bf16": Case(5, 7, dtype=BRAIN),
    "bf16_mixed_decay": Case(3, 6, decay="mixed", dtype=BRAIN),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_matches_the_float64_recurrence(scan: Scan, case: Case, device: torch.device) -> None:
    inputs = [x.detach().to(device).requires_grad_() for x in case.inputs()]
    assert_close(truth(inputs, case), run_with_gradients(scan, inputs, case), case.dtype)


def test_slow_decays_do_not_drift_on_a_long_map() -> None:
    """The same decay at every token, whose rounding would add up, and keys that leave most of the
    state alone. Triton carries logarithms."""
    case = Case(32, 64, beta=0.02)
    q, k, v, log_decay, beta, state = (x.detach() for x in case.inputs())
    k = F.normalize(k[:, :1] + 0.05 * k, dim=-1)
    log_decay = torch.full_like(log_decay, -1e-4)
    inputs = [x.requires_grad_() for x in (q, k, v, log_decay, beta, state)]
    exact = [x.detach().double().requires_grad_() for x in inputs]
    reference = run_with_gradients(cpu_scan_2d, exact, case)
    assert_close(reference, run_with_gradients(cpu_scan_2d, inputs, case), case.dtype)


def test_head_64(device: torch.device, scan: Scan) -> None:
    case = Case(3, 6, key_size=64, value_size=64)
    inputs = [x.detach().to(device).requires_grad_() for x in case.inputs()]
    assert_close(truth(inputs, case), run_with_gradients(scan, inputs, case), case.dtype)


def test_without_an_initial_state_it_is_zero(scan: Scan, device: torch.device) -> None:
    case = Case(3, 6)
    *sequences, state = (x.detach().to(device) for x in case.inputs())
    zero = scan(*sequences, torch.zeros_like(state), case.height, case.width)
    none = scan(*sequences, None, case.height, case.width)
    assert all(torch.equal(a, b) for a, b in zip(zero, none, strict=True))


@pytest.mark.parametrize("wide", [(3, 4, 5), (3,), (4,)], ids=["all", "log_decay", "beta"])
def test_gates_and_state_may_stay_in_float32(
    scan: Scan, wide: tuple[int, ...], device: torch.device
) -> None:
    case = Case(3, 6, dtype=BRAIN)
    inputs = [x.detach().to(device) for x in case.inputs()]
    inputs = [x.float() if i in wide else x for i, x in enumerate(inputs)]
    inputs = [x.requires_grad_() for x in inputs]
    found = run_with_gradients(scan, inputs, case)
    assert_close(truth(inputs, case), found, case.dtype)
    assert [g.dtype for _, g in found[2:]] == [x.dtype for x in inputs]


def test_any_strides(scan: Scan, device: torch.device) -> None:
    """q, k and v as slices of one projection, gates transposed, the channels not even adjacent."""
    case = Case(3, 5)
    plain = [x.detach().to(device) for x in case.inputs()]
    packed = torch.stack(plain[:3], dim=-1)
    gates = [x.transpose(1, 3).contiguous().transpose(1, 3) for x in plain[3:5]]
    strided = [*packed.unbind(-1), *gates, plain[5].transpose(-1, -2).contiguous().mT]
    assert not any(x.is_contiguous() for x in strided[:3])
    reference = run_with_gradients(scan, [x.requires_grad_() for x in plain], case)
    test = run_with_gradients(scan, [x.requires_grad_() for x in strided], case)
    for (name, wanted), (_, found) in zip(reference, test, strict=True):
        assert torch.equal(wanted, found), name


def test_without_gradients_nothing_is_kept(
    scan: Scan, device: torch.device, saved: list[int]
) -> None:
    case = Case(2, 3)
    inputs = [x.detach().to(device).requires_grad_() for x in case.inputs()]
    kept = scan(*inputs, case.height, case.width)
    assert len(saved) == 1
    with torch.no_grad():
        free = scan(*inputs, case.height, case.width)
    scan(*(x.detach() for x in inputs), case.height, case.width)
    assert len(saved) == 1
    assert all(torch.equal(a, b) for a, b in zip(kept, free, strict=True))
