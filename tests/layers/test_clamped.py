"""Depth beyond its bounds has their value, and a way back."""

from __future__ import annotations

import pytest
import torch

from bokehflow.layers.clamped import clamped_in_value
from bokehflow.layers.heads import to_inverse_depth
from bokehflow.specs import DEPTH_MAX_M, DEPTH_MIN_M


def test_the_value_is_that_of_a_clamp_and_the_gradient_that_of_none() -> None:
    x = torch.tensor([-1e4, -1.0, 0.3, 1.0, 77.7], requires_grad=True)
    bounded = clamped_in_value(x, -0.5, 1.0)
    assert torch.equal(bounded, x.clamp(-0.5, 1.0))
    (gradient,) = torch.autograd.grad(bounded.sum(), x)
    assert torch.equal(gradient, torch.ones(5))


def test_what_is_infinite_has_the_value_of_a_bound_and_nan_stays() -> None:
    x = torch.tensor([-torch.inf, torch.inf, torch.nan], requires_grad=True)
    bounded = clamped_in_value(x, -0.5, 1.0)
    assert bounded[:2].tolist() == [-0.5, 1.0]
    assert bounded[2].isnan()
    (gradient,) = torch.autograd.grad(bounded[:2].sum(), x)
    assert torch.equal(gradient, torch.zeros(3))


@pytest.mark.parametrize("logit", [-3.0, 20.0, 1e3])
def test_a_network_that_learns_can_leave_the_nearest_depth(logit: float) -> None:
    logits = torch.full((2, 3), logit, requires_grad=True)
    inverse = to_inverse_depth(logits, learns=True)
    assert torch.equal(inverse, to_inverse_depth(logits))
    assert inverse.min() >= 1.0 / DEPTH_MAX_M
    assert inverse.max() <= 1.0 / DEPTH_MIN_M
    (gradient,) = torch.autograd.grad(inverse.sum(), logits)
    assert (gradient > 0.0).all()
