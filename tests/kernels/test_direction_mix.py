"""The fused softmax over directions and its sum against PyTorch's in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bokehflow.errors import SizeError
from bokehflow.kernels import mix_directions
from tests.tolerances import NORM_BF16, NORM_FP32

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _inputs(shape: tuple[int, ...], dtype: torch.dtype, spread: float) -> list[Tensor]:
    random = torch.Generator().manual_seed(4)
    pair = [torch.randn(shape, generator=random) for _ in range(2)]
    return [(pair[0] * spread).to(dtype).to(DEVICE), pair[1].to(dtype).to(DEVICE)]


@pytest.mark.parametrize("shape", [(2, 37, 4, 48), (1, 1, 4, 5), (4, 16), (300, 4, 72)])
@pytest.mark.parametrize("spread", [1.0, 8.0])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, NORM_FP32), (torch.bfloat16, NORM_BF16)]
)
def test_outputs_and_gradients(
    shape: tuple[int, ...], spread: float, dtype: torch.dtype, tolerance: float
) -> None:
    inputs = [x.requires_grad_() for x in _inputs(shape, dtype, spread)]
    exact = [x.detach().double().requires_grad_() for x in inputs]
    wanted = (exact[0].softmax(-2) * exact[1]).sum(-2)
    found = mix_directions(*inputs)
    assert found.dtype == dtype
    upstream = torch.randn(wanted.shape, generator=torch.Generator().manual_seed(5)).to(DEVICE)
    theirs = torch.autograd.grad(wanted, exact, upstream.double())
    ours = torch.autograd.grad(found, inputs, upstream.to(dtype))
    for a, b in zip([wanted, *theirs], [found, *ours], strict=True):
        assert (b.double() - a).norm() <= tolerance * a.norm()


def test_under_autocast_the_sum_stays_in_float32() -> None:
    logits, values = _inputs((3, 4, 16), torch.bfloat16, 1.0)
    with torch.autocast(DEVICE.type, torch.bfloat16):
        found = mix_directions(logits, values)
    assert found.dtype == torch.float32
    exact = (logits.double().softmax(-2) * values.double()).sum(-2)
    assert (found.double() - exact).norm() <= NORM_FP32 * exact.norm()


def test_inputs_that_are_not_contiguous() -> None:
    logits, values = (x.transpose(0, 2) for x in _inputs((16, 4, 9), torch.float32, 1.0))
    found = mix_directions(logits, values)
    torch.testing.assert_close(found, (logits.softmax(-2) * values).sum(-2))


@pytest.mark.parametrize("shape", [(2, 3, 16), (16,)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    x = torch.zeros(shape, device=DEVICE)
    with pytest.raises(SizeError, match=r"\[\.\.\., 4, C\]"):
        mix_directions(x, x)


def test_a_direction_far_ahead_of_the_others_takes_all() -> None:
    values = torch.arange(8.0, device=DEVICE).view(1, 4, 2)
    logits = torch.zeros(1, 4, 2, device=DEVICE)
    logits[:, 2] = 1e4
    assert torch.equal(mix_directions(logits, values), values[:, 2])
