"""Scans of a projection as it comes, on the CPU and in Triton, against the same from its parts."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor

from bokehflow.errors import SizeError
from bokehflow.kernels import cpu_projected_scan_2d, projected_scan_2d
from bokehflow.scan import KEY_EPSILON, ScanConfig, build_projected_scan, naive_scan_2d
from bokehflow.scan.projected import SplitScan
from tests.tolerances import SCAN_BF16, SCAN_FP32, SCAN_FP64, SCAN_GRADIENT_FACTOR

TOLERANCE = {torch.float64: SCAN_FP64, torch.float32: SCAN_FP32, torch.bfloat16: SCAN_BF16}
NAMES = ("o", "final", "qkv", "log_decay", "beta", "state")


SCANS = {"cpu": cpu_projected_scan_2d, "triton": projected_scan_2d}
DEVICES = {"cpu": "cpu", "triton": "cuda" if torch.cuda.is_available() else "cpu"}


def inputs_of(
    height: int,
    width: int,
    heads: int,
    size: int,
    dtype: torch.dtype,
    segments: int = 1,
    device: str = "cpu",
) -> list[Tensor]:
    """qkv with keys of any length, log_decay, beta and initial state, asking for gradients."""
    rng = torch.Generator().manual_seed(height * width + size)
    gates = (2, height * width, 4, heads)
    qkv = torch.randn(2, height * width, 3, 4, heads, size, generator=rng)
    log_decay = (0.9 + 0.1 * torch.rand(gates, generator=rng)).log()
    cut = () if segments == 1 else (segments,)
    state = torch.randn(2, *cut, 4, heads, size, size, generator=rng)
    tensors = (qkv, log_decay, torch.rand(gates, generator=rng), state)
    return [x.to(dtype).to(device).requires_grad_() for x in tensors]


def outcome(scan: object, inputs: list[Tensor], *sizes: int, **more: int) -> list[Tensor]:
    """o, final state and the gradients of everything."""
    o, final = scan(*inputs, *sizes, **more)  # type: ignore[operator]
    rng = torch.Generator().manual_seed(1)
    grads = [torch.randn(x.shape, generator=rng).to(x) for x in (o, final)]
    return [o, final, *torch.autograd.grad((o, final), inputs, grads)]


@pytest.mark.parametrize(
    ("form", "height", "width", "heads", "size", "dtype", "segments"),
    [
        pytest.param("cpu", 5, 7, 3, 16, torch.float32, 1, id="nano"),
        pytest.param("cpu", 3, 19, 1, 24, torch.float32, 1, id="head_24"),
        pytest.param("cpu", 1, 1, 2, 5, torch.float32, 1, id="one_token_odd_head"),
        pytest.param("cpu", 4, 6, 2, 8, torch.float64, 2, id="fp64_segments"),
        pytest.param("cpu", 4, 8, 2, 16, torch.bfloat16, 1, id="bf16"),
        pytest.param("triton", 4, 5, 3, 16, torch.float32, 1, id="triton_nano"),
        pytest.param("triton", 3, 7, 1, 24, torch.float32, 1, id="triton_head_24"),
        pytest.param("triton", 1, 1, 2, 5, torch.float32, 1, id="triton_one_token_odd_head"),
        pytest.param("triton", 4, 6, 2, 8, torch.float32, 2, id="triton_segments"),
        pytest.param("triton", 4, 8, 2, 16, torch.bfloat16, 1, id="triton_bf16"),
    ],
)
def test_matches_the_recurrence_of_its_parts(
    form: str, height: int, width: int, heads: int, size: int, dtype: torch.dtype, segments: int
) -> None:
    inputs = inputs_of(height, width, heads, size, dtype, segments, DEVICES[form])
    exact = [x.detach().double().requires_grad_() for x in inputs]
    scan = partial(SCANS[form], key_epsilon=KEY_EPSILON)
    reference = outcome(SplitScan(naive_scan_2d), exact, height, width, segments=segments)
    test = outcome(scan, inputs, height, width, segments=segments)
    for name, wanted, found in zip(NAMES, reference, test, strict=True):
        factor = 1.0 if name in ("o", "final") else SCAN_GRADIENT_FACTOR
        error = (found.double() - wanted).norm() / wanted.norm()
        assert error <= TOLERANCE[dtype] * factor, f"{name}: {error:.2e}"


def test_the_network_takes_the_scan_of_its_projection() -> None:
    scan = build_projected_scan(ScanConfig("cpu"))
    inputs = inputs_of(3, 5, 2, 16, torch.float32)
    wanted = cpu_projected_scan_2d(*inputs, 3, 5, key_epsilon=KEY_EPSILON)
    assert all(torch.equal(a, b) for a, b in zip(scan(*inputs, 3, 5), wanted, strict=True))


@pytest.mark.parametrize("form", SCANS)
def test_a_key_of_zeros_has_a_finite_gradient(form: str) -> None:
    inputs = inputs_of(2, 3, 1, 16, torch.float32, device=DEVICES[form])
    with torch.no_grad():
        inputs[0][:, :, 1] = 0.0
    found = outcome(partial(SCANS[form], key_epsilon=KEY_EPSILON), inputs, 2, 3)
    assert all(bool(x.isfinite().all()) for x in found)


@pytest.mark.parametrize("form", SCANS)
def test_without_gradients_nothing_is_kept(form: str, saved: list[int]) -> None:
    inputs = inputs_of(3, 5, 2, 16, torch.float32, device=DEVICES[form])
    kept = SCANS[form](*inputs, 3, 5, key_epsilon=KEY_EPSILON)
    assert len(saved) == 1
    with torch.no_grad():
        free = SCANS[form](*inputs, 3, 5, key_epsilon=KEY_EPSILON)
    assert len(saved) == 1
    assert all(torch.equal(a, b) for a, b in zip(kept, free, strict=True))


@pytest.mark.parametrize("form", SCANS)
def test_a_projection_that_does_not_fit(form: str) -> None:
    qkv, *others = inputs_of(2, 3, 1, 16, torch.float32, device=DEVICES[form])
    with pytest.raises(SizeError, match="qkv of shape"):
        SCANS[form](qkv.flatten(2, 3), *others, 2, 3, key_epsilon=KEY_EPSILON)
