"""Every loss against a plain form of it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from bokehflow.specs import DEPTH_JUDGED_M
from bokehflow.training.losses import (
    EDGE_SCALES,
    SCALE_FREEDOM,
    decibel_loss,
    depth_edge_loss,
    l1_loss,
    log_ratio_loss,
    scale_invariant_loss,
    ssim_loss,
    temporal_depth_loss,
    temporal_loss,
    warp,
)
from tests.tolerances import FP32_EQUAL, LOSS_FORMULA, SSIM_FORMULA


@pytest.fixture
def pair() -> tuple[Tensor, Tensor]:
    """Two pictures or depth maps of two samples, odd sizes, values in 0.1..1."""
    generator = torch.Generator().manual_seed(7)
    test, reference = 0.1 + 0.9 * torch.rand(2, 2, 3, 21, 17, generator=generator)
    return test, reference


def plain_log(x: float) -> float:
    return math.log(max(x, 1.0 / DEPTH_JUDGED_M))


def plain_log_errors(test: Tensor, reference: Tensor) -> np.ndarray:
    """log errors [H, W] of one map, value by value."""
    pairs = zip(test.flatten().tolist(), reference.flatten().tolist(), strict=True)
    values = [plain_log(a) - plain_log(b) for a, b in pairs]
    return np.array(values).reshape(test.shape[-2:])


def test_l1(pair: tuple[Tensor, Tensor]) -> None:
    test, reference = pair
    expected = [np.abs((a - b).numpy()).mean() for a, b in zip(test, reference, strict=True)]
    assert l1_loss(reference, test).tolist() == pytest.approx(expected, rel=FP32_EQUAL)


def test_decibels_against_scikit_image(pair: tuple[Tensor, Tensor]) -> None:
    test, reference = pair[0].double(), pair[1].double()
    for distance in (1.0, 0.1, 0.01):
        near = reference + distance * (test - reference)
        below_60_db = [
            60.0 - peak_signal_noise_ratio(a.numpy(), b.numpy(), data_range=1.0)
            for a, b in zip(reference, near, strict=True)
        ]
        expected = [math.log10(1.0 + 10.0 ** (below / 10.0)) for below in below_60_db]
        assert decibel_loss(reference, near).tolist() == pytest.approx(expected, rel=FP32_EQUAL)
    assert decibel_loss(reference, reference).tolist() == [0.0, 0.0]


def test_ssim_against_scikit_image(pair: tuple[Tensor, Tensor]) -> None:
    test, reference = pair[0].double(), pair[1].double()
    reference = 0.7 * test + 0.3 * reference
    found = ssim_loss(reference, test)
    for value, a, b in zip(found, test, reference, strict=True):
        _, full = structural_similarity(
            a.numpy(), b.numpy(), channel_axis=0, data_range=1.0, gaussian_weights=True,
            use_sample_covariance=False, full=True,
        )  # fmt: skip
        inside = full[:, 5:-5, 5:-5].mean()
        assert float(value) == pytest.approx(1.0 - inside, abs=SSIM_FORMULA)
    assert ssim_loss(test, test).abs().max() < SSIM_FORMULA


def test_scale_invariant_depth(pair: tuple[Tensor, Tensor]) -> None:
    test, reference = pair[0][:, :1], pair[1][:, :1]
    found = scale_invariant_loss(reference, test)
    for value, a, b in zip(found, test, reference, strict=True):
        errors = plain_log_errors(a, b)
        expected = (errors**2).mean() - SCALE_FREEDOM * errors.mean() ** 2
        assert float(value) == pytest.approx(expected, rel=LOSS_FORMULA)


def test_a_wrong_scale_costs_less_than_a_wrong_shape() -> None:
    reference = torch.linspace(0.2, 0.8, 64).view(1, 1, 8, 8)
    scaled = reference * 1.3
    wrong = reference * torch.where(torch.arange(64).view(1, 1, 8, 8) % 2 == 0, 1.3, 1 / 1.3)
    cost = scale_invariant_loss(reference, scaled)
    assert cost.item() == pytest.approx((1 - SCALE_FREEDOM) * math.log(1.3) ** 2, rel=LOSS_FORMULA)
    assert cost < scale_invariant_loss(reference, wrong)


def test_log_ratio(pair: tuple[Tensor, Tensor]) -> None:
    test, reference = pair[0][:, :1, :3, :3], pair[1][:, :1, :3, :3]  # an odd count has one median
    found = log_ratio_loss(reference, test)
    for value, a, b in zip(found, test, reference, strict=True):
        errors = plain_log_errors(a, b)
        median = np.median(errors)
        expected = np.abs(errors - median).mean() + (1 - SCALE_FREEDOM) * abs(median)
        assert float(value) == pytest.approx(expected, rel=LOSS_FORMULA)


def test_a_few_wild_pixels_hardly_move_the_log_ratio() -> None:
    reference = torch.full((1, 1, 10, 10), 0.5)
    wild = reference.clone()
    wild[..., 0, 0] = 50.0
    assert log_ratio_loss(reference, wild).item() == pytest.approx(
        math.log(100.0) / 100, rel=LOSS_FORMULA
    )
    assert scale_invariant_loss(reference, wild) > 4.0 * log_ratio_loss(reference, wild)


def test_beyond_the_farthest_depth_nothing_counts() -> None:
    sky, far = torch.zeros(1, 1, 4, 4), torch.full((1, 1, 4, 4), 0.5 / DEPTH_JUDGED_M)
    assert scale_invariant_loss(sky, far).item() == 0.0
    far.requires_grad_()
    (gradient,) = torch.autograd.grad(scale_invariant_loss(sky, far).sum(), far)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("loss", [scale_invariant_loss, log_ratio_loss])
def test_what_is_beyond_the_farthest_depth_and_should_not_be_comes_nearer(
    loss: Callable[[Tensor, Tensor], Tensor],
) -> None:
    near = torch.full((1, 1, 4, 4), 0.5)
    far = torch.full((1, 1, 4, 4), 0.5 / DEPTH_JUDGED_M, requires_grad=True)
    found = loss(near, far)
    assert torch.equal(found, loss(near, torch.full((1, 1, 4, 4), 1.0 / DEPTH_JUDGED_M)))
    (gradient,) = torch.autograd.grad(found.sum(), far)
    assert (gradient < 0.0).any()
    assert (gradient <= 0.0).all()


def test_depth_edges(pair: tuple[Tensor, Tensor]) -> None:
    test, reference = pair[0][:, :1], pair[1][:, :1]
    found = depth_edge_loss(reference, test)
    for value, a, b in zip(found, test, reference, strict=True):
        errors = plain_log_errors(a, b)
        expected = 0.0
        for step in EDGE_SCALES:
            coarse = errors[::step, ::step]
            expected += np.abs(np.diff(coarse, axis=0)).mean()
            expected += np.abs(np.diff(coarse, axis=1)).mean()
        assert float(value) == pytest.approx(expected / len(EDGE_SCALES), rel=LOSS_FORMULA)


def test_depth_edges_forgive_scale() -> None:
    reference = torch.rand(1, 1, 9, 9) + 0.5
    assert depth_edge_loss(reference, 1.7 * reference).item() < FP32_EQUAL


@pytest.mark.parametrize("shift", [(1, 0), (0, -2), (3, 1)], ids=str)
def test_warp_by_whole_pixels_is_a_shift(shift: tuple[int, int]) -> None:
    before = torch.rand(1, 3, 8, 11)
    x, y = shift
    flow = torch.tensor([x, y], dtype=torch.float32).view(1, 2, 1, 1).expand(1, 2, 8, 11)
    moved, inside = warp(before, flow)
    for row in range(8):
        for column in range(11):
            known = 0 <= row + y < 8 and 0 <= column + x < 11
            assert bool(inside[0, 0, row, column]) == known
            if known:
                expected = before[0, :, row + y, column + x]
                torch.testing.assert_close(
                    moved[0, :, row, column], expected, atol=FP32_EQUAL, rtol=0.0
                )


def test_temporal_loss_sees_only_what_is_known_and_unlike() -> None:
    before = torch.rand(2, 3, 8, 12)
    now = torch.roll(before, 2, dims=3)
    flow = torch.zeros(2, 2, 8, 12)
    flow[:, 0] = -2.0
    valid = torch.ones(2, 1, 8, 12)
    assert temporal_loss(now, before, flow, valid).abs().max() < FP32_EQUAL
    now[1, :, 3, 7] += 0.5
    expected = 0.5 / (8 * 10)
    assert temporal_loss(now, before, flow, valid)[1].item() == pytest.approx(
        expected, rel=LOSS_FORMULA
    )
    valid[1, :, 3, 7] = 0.0
    assert temporal_loss(now, before, flow, valid)[1].item() < FP32_EQUAL
    assert temporal_loss(now, before, flow, 0.0 * valid).tolist() == [0.0, 0.0]


def test_temporal_depth_forgives_an_error_that_stays() -> None:
    flow, valid = torch.zeros(1, 2, 6, 6), torch.ones(1, 1, 6, 6)
    reference_before, reference_now = torch.rand(2, 1, 1, 6, 6) + 0.5
    steady = temporal_depth_loss(
        1.4 * reference_now, 1.4 * reference_before, reference_now, reference_before, flow, valid
    )
    flickering = temporal_depth_loss(
        1.4 * reference_now, reference_before, reference_now, reference_before, flow, valid
    )
    assert steady.item() < FP32_EQUAL
    assert flickering.item() == pytest.approx(math.log(1.4), rel=LOSS_FORMULA)
