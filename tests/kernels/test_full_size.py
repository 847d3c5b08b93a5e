"""Whole frames on a GPU against the float64 recurrence on the CPU."""

from __future__ import annotations

import pytest
import torch

from bokehflow.kernels import cpu_scan_2d, gated_delta_scan_2d
from tests.kernels.cases import Case, Scan, assert_close, run_with_gradients

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]

SIZES = {"720p": (180, 320), "1080p": (270, 480), "one_line": (1, 57_600)}
DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


@pytest.mark.parametrize("keys", ["random", "ar1", "same"])
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES.keys())
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
def test_a_whole_frame(size: tuple[int, int], dtype: torch.dtype, keys: str) -> None:
    case = Case(*size, keys=keys, dtype=dtype)
    inputs = [x.detach() for x in case.inputs()]
    exact = [x.double().requires_grad_() for x in inputs]
    test = [x.cuda().requires_grad_() for x in inputs]
    reference = run_with_gradients(cpu_scan_2d, exact, case)
    assert_close(reference, run_with_gradients(gated_delta_scan_2d, test, case), dtype)


@pytest.mark.parametrize("head_size", [24, 32, 64])
def test_wider_heads(head_size: int) -> None:
    case = Case(180, 320, head_size, head_size, heads=2, dtype=torch.bfloat16)
    inputs = [x.detach() for x in case.inputs()]
    exact = [x.double().requires_grad_() for x in inputs]
    test = [x.cuda().requires_grad_() for x in inputs]
    reference = run_with_gradients(cpu_scan_2d, exact, case)
    assert_close(reference, run_with_gradients(gated_delta_scan_2d, test, case), case.dtype)


def test_a_batch_beyond_31_bits() -> None:
    """40 frames of 1080p, four heads of 32: the last image starts 2.6e9 elements in."""
    case = Case(270, 480, 32, 32, heads=4, batch=1, dtype=torch.bfloat16)
    one = [x.detach().cuda() for x in case.inputs()]
    many = [x.expand(40, *x.shape[1:]).contiguous() for x in one[:5]]
    scan: Scan = gated_delta_scan_2d
    with torch.no_grad():
        wanted, _ = scan(*one[:5], None, case.height, case.width)
        found, _ = scan(*many, None, case.height, case.width)
    assert found[0].numel() * 39 > 2**31
    # The batch changes how the scan is split, and with it the order of sums.
    assert_close([("o", wanted[0].cpu().double())], [("o", found[-1])], case.dtype)
