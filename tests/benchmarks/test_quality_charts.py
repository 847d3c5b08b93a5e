"""The charts must fail whoever does what they are there to catch, by the right amount."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from bokehflow.benchmarks.quality.baselines import (
    bin_and_blur,
    bin_and_blur_normalised,
    document_layers,
    gaussian,
    naive_gather,
    no_blur,
)
from bokehflow.benchmarks.quality.charts import chart_lens, covered_by_disk, depth_for_radius
from bokehflow.benchmarks.quality.kernels import convolve, document_kernel, smooth_kernel
from bokehflow.benchmarks.quality.light import (
    flat_field_error,
    focus_pull_jumps,
    impulse_error,
)
from bokehflow.benchmarks.quality.renderers import Renderer
from bokehflow.benchmarks.quality.step_edges import measure_steps
from bokehflow.calibration.aperture import Aperture
from bokehflow.optics import Lens
from bokehflow.srgb import linear_to_srgb, srgb_to_linear
from tests import tolerances as tol

BLURRING = [bin_and_blur, bin_and_blur_normalised, document_layers, naive_gather]


def darker(
    frame: Tensor,
    depth_m: Tensor,
    lens: Lens,
    aperture: Aperture,  # noqa: ARG001
) -> Tensor:
    """Loses a tenth of the light of whatever is out of focus."""
    sharp = lens.radius_px(depth_m, frame.shape[-1]).abs() < 0.5
    return linear_to_srgb(srgb_to_linear(frame) * torch.where(sharp, 1.0, 0.9))


def test_document_kernel_is_the_pixels_inside_the_disk() -> None:
    kernel = document_kernel(2, Aperture())
    # u^2 + v^2 <= 4 holds for 13 of the 25 pixels.
    assert int((kernel > 0).sum()) == 13
    assert float(kernel.max()) == pytest.approx(1 / 13)


@pytest.mark.parametrize("blades", [0, 5, 6])
def test_smooth_kernel_has_the_variance_of_its_shape(blades: int) -> None:
    kernel = smooth_kernel(9.3, Aperture(blades)).double()
    half = kernel.shape[0] // 2
    steps = torch.arange(-half, half + 1, dtype=torch.float64)
    variance = float((kernel.sum(0) * steps**2).sum() - (kernel.sum(0) * steps).sum() ** 2)
    corner = 1.0 if blades == 0 else math.cos(2 * math.pi / blades)
    expected = 9.3**2 * (2 + corner) / 12
    assert variance == pytest.approx(expected, rel=tol.KERNEL_VARIANCE_REL)


def test_convolution_equals_the_plain_sum() -> None:
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand(1, 2, 9, 13, generator=generator)
    kernel = torch.rand(5, 5, generator=generator)
    padded = torch.nn.functional.pad(picture, (2, 2, 2, 2), mode="replicate")
    weight = kernel.flip(0, 1).expand(2, 1, 5, 5)
    expected = torch.nn.functional.conv2d(padded, weight, groups=2)
    torch.testing.assert_close(convolve(picture, kernel), expected, atol=tol.FFT_ROUNDING, rtol=0)


@pytest.mark.parametrize("distance", [-6.5, -2.0, 0.0, 0.5, 4.25, 9.0])
def test_disk_coverage_is_the_sum_of_its_chords(distance: float) -> None:
    radius, steps = 6.0, 100_000
    x = (torch.arange(steps, dtype=torch.float64) + 0.5) / steps * 2 - 1
    chords = torch.sqrt(1 - x * x) / torch.sqrt(1 - x * x).sum()
    pixel = (torch.arange(32, dtype=torch.float64) + 0.5) / 32 - 0.5
    shares = [float(chords[x * radius > distance + float(within)].sum()) for within in pixel]
    covered = float(covered_by_disk(torch.tensor([distance]), radius))
    assert covered == pytest.approx(sum(shares) / len(shares), abs=tol.DISK_CHORDS)


@pytest.mark.parametrize("radius_px", [-75.0, -3.0, 0.0, 0.3, 75.0])
def test_chart_depth_blurs_as_wanted(radius_px: float) -> None:
    lens = chart_lens(abs(radius_px), 201)
    depth = depth_for_radius(torch.full((1, 1, 2, 201), radius_px), lens)
    assert bool((depth > 0).all())
    torch.testing.assert_close(
        lens.radius_px(depth, 201), torch.full_like(depth, radius_px), atol=tol.RADIUS_PX, rtol=0
    )


@pytest.mark.parametrize("renderer", [*BLURRING, gaussian], ids=lambda one: str(one.__name__))
def test_baselines_keep_light_on_one_plane(renderer: Renderer) -> None:
    for radius in (-14.0, 0.7, 23.0):
        assert flat_field_error(renderer, radius) < tol.BASELINE_LIGHT
        # A Gaussian of 23 px loses its tail at the rim of the chart, and the curve clips noise.
        assert impulse_error(renderer, radius) < tol.BASELINE_IMPULSE


def test_lost_light_is_seen() -> None:
    assert flat_field_error(darker, 5.0) == pytest.approx(0.1, abs=tol.ENERGY_FORMULA)
    assert impulse_error(darker, 5.0) == pytest.approx(0.1, abs=tol.ENERGY_FORMULA)
    frame_jump, block_jump, _ = focus_pull_jumps(darker)
    assert frame_jump == pytest.approx(0.1, abs=tol.ENERGY_FORMULA)
    assert block_jump == pytest.approx(0.1, abs=tol.ENERGY_FORMULA)


def test_bins_pop_in_a_focus_pull_and_a_gather_does_not() -> None:
    pops = focus_pull_jumps(bin_and_blur)[2]
    smooth = focus_pull_jumps(naive_gather)[2]
    assert pops > 5 * smooth


def test_step_edges_name_the_faults_of_each_family() -> None:
    sharp, scatter, gather = (
        measure_steps(one)[1] for one in (no_blur, bin_and_blur_normalised, naive_gather)
    )
    # Where nothing is blurred the near edge is wrong by half the contrast and nothing leaks.
    assert max(sharp.far_leak, sharp.halo) < tol.BASELINE_LIGHT
    assert sharp.spill_outside == pytest.approx(0.5, abs=tol.SPILL_BY_HAND)
    # Scatter lets what is far leak onto what is near; gather lets what is near halo into the far
    # blur and keeps a blurred near edge from spilling.
    assert scatter.far_leak > 0.2
    assert gather.far_leak < 0.01
    assert gather.halo > 0.4
    assert gather.spill_outside > 0.4
    assert gather.spill_inside < 0.01
