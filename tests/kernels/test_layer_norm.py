"""The fused layer norm against PyTorch's in float64."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.errors import SizeError
from bokehflow.kernels.norm_layer import layer_norm
from tests.tolerances import NORM_BF16, NORM_FP32

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _both(shape: tuple[int, ...], dtype: torch.dtype) -> tuple[list[Tensor], list[Tensor]]:
    """Output and gradients of x, weight and bias: PyTorch's in float64, and ours."""
    random = torch.Generator().manual_seed(2)
    x = torch.randn(shape, generator=random) * 3.0 + 5.0
    weight, bias, upstream = (
        torch.randn(n, generator=random) for n in (shape[-1:], shape[-1:], shape)
    )
    inputs = [v.to(dtype).to(DEVICE).requires_grad_() for v in (x, weight, bias)]
    exact = [v.detach().double().requires_grad_() for v in inputs]
    wanted = F.layer_norm(exact[0], shape[-1:], exact[1], exact[2], 1e-5)
    found = layer_norm(inputs[0], inputs[1], inputs[2], 1e-5)
    up = upstream.to(DEVICE)
    theirs = torch.autograd.grad(wanted, exact, up.double())
    ours = torch.autograd.grad(found, inputs, up.to(dtype))
    return [wanted, *theirs], [found, *ours]


@pytest.mark.parametrize("shape", [(2, 37, 48), (1, 1, 16), (3, 96), (70, 5, 72)])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, NORM_FP32), (torch.bfloat16, NORM_BF16)]
)
def test_outputs_and_gradients(
    shape: tuple[int, ...], dtype: torch.dtype, tolerance: float
) -> None:
    for wanted, found in zip(*_both(shape, dtype), strict=True):
        assert found.dtype == dtype
        assert (found.double() - wanted).norm() <= tolerance * wanted.norm()


def test_under_autocast_the_output_is_what_products_take() -> None:
    x, (weight, bias) = torch.randn(4, 9, 48, device=DEVICE), torch.randn(2, 48, device=DEVICE)
    wanted = layer_norm(x, weight, bias)
    assert wanted.dtype == torch.float32
    with torch.autocast(DEVICE.type, torch.bfloat16):
        found = layer_norm(x, weight, bias)
    assert found.dtype == torch.bfloat16
    assert (found - wanted).norm() <= NORM_BF16 * wanted.norm()


def test_rows_that_are_no_whole_block_and_not_contiguous() -> None:
    x = torch.randn(48, 33, device=DEVICE).t()
    weight, bias = torch.randn(2, 48, device=DEVICE)
    found = layer_norm(x, weight, bias)
    torch.testing.assert_close(found, F.layer_norm(x, (48,), weight, bias))


def test_weights_may_be_strided_and_must_have_the_length_of_a_row() -> None:
    random = torch.Generator().manual_seed(3)
    x = torch.randn(5, 48, generator=random).to(DEVICE)
    weight = torch.randn(96, generator=random).to(DEVICE)[::2]
    bias = torch.randn(1, generator=random).to(DEVICE).expand(48)
    wanted = F.layer_norm(x, (48,), weight, bias, 1e-5)
    torch.testing.assert_close(layer_norm(x, weight, bias), wanted, rtol=0, atol=NORM_FP32)
    for short in ((weight[:16], bias), (weight, bias[:16])):
        with pytest.raises(SizeError, match=r"of shape \(16,\)"):
            layer_norm(x, *short)


def test_no_rows_have_no_gradient_to_give() -> None:
    weight, bias = (torch.ones(16, device=DEVICE, requires_grad=True) for _ in range(2))
    layer_norm(torch.zeros(0, 16, device=DEVICE), weight, bias).sum().backward()
    assert weight.grad is not None
    assert not weight.grad.any()
