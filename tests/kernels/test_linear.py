"""Linear layers with a bias's gradient of our own against PyTorch's in float64."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from bokehflow.kernels import linear
from bokehflow.kernels.linear_layer import column_sums
from tests.tolerances import NORM_BF16, NORM_FP32

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("shape", [(2, 37, 48), (1, 16), (3, 5, 7, 24)])
@pytest.mark.parametrize("outputs", [16, 70])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, NORM_FP32), (torch.bfloat16, NORM_BF16)]
)
def test_outputs_and_gradients(
    shape: tuple[int, ...], outputs: int, dtype: torch.dtype, tolerance: float
) -> None:
    random = torch.Generator().manual_seed(6)
    sizes = (shape, (outputs, shape[-1]), (outputs,))
    inputs = [torch.randn(s, generator=random).to(dtype).to(DEVICE).requires_grad_() for s in sizes]
    exact = [x.detach().double().requires_grad_() for x in inputs]
    wanted, found = F.linear(*exact), linear(*inputs)
    upstream = torch.randn(wanted.shape, generator=random).to(DEVICE)
    theirs = torch.autograd.grad(wanted, exact, upstream.double())
    ours = torch.autograd.grad(found, inputs, upstream.to(dtype))
    for a, b in zip([wanted, *theirs], [found, *ours], strict=True):
        assert b.dtype == dtype
        assert (b.double() - a).norm() <= tolerance * a.norm()


def test_under_autocast_gradients_have_the_dtype_of_the_weights() -> None:
    layer = torch.nn.Linear(48, 24).to(DEVICE)
    x = torch.randn(5, 48, device=DEVICE)
    with torch.autocast(DEVICE.type, torch.bfloat16):
        wanted, found = layer(x), linear(x, layer.weight, layer.bias)
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, wanted)
    gradients = torch.autograd.grad(found.float().sum(), [layer.weight, layer.bias])
    assert [gradient.dtype for gradient in gradients] == [torch.float32] * 2


@pytest.mark.parametrize("count", [1, 63, 64, 65, 8193, 20000])
def test_sums_of_any_number_of_rows(count: int) -> None:
    x = torch.randn(count, 65, generator=torch.Generator().manual_seed(count)).to(DEVICE)
    wanted = x.double().sum(0)
    assert (column_sums(x).double() - wanted).norm() <= NORM_FP32 * x.double().norm()
    assert torch.equal(column_sums(x.t().contiguous().t()), column_sums(x))


def test_what_takes_no_gradient_gets_none() -> None:
    x = torch.randn(5, 16, device=DEVICE, requires_grad=True)
    weight, bias = torch.randn(8, 16, device=DEVICE), torch.randn(8, device=DEVICE)
    (gradient,) = torch.autograd.grad(linear(x, weight, bias).sum(), [x])
    torch.testing.assert_close(gradient, weight.sum(0).expand(5, 16))
