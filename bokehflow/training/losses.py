"""The losses, each one value a sample, so that a mean over samples is the same on any number of
processes. Document, section 5.2.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.layers.clamped import clamped_in_value
from bokehflow.specs import DEPTH_JUDGED_M

SCALE_FREEDOM = 0.5
"""Share of a scale error that is forgiven (Eigen et al., arXiv 1406.2283): scale still counts."""
EDGE_SCALES = (1, 2, 4)
SSIM_WINDOW_PX, SSIM_SIGMA_PX = 11, 1.5
SSIM_C1, SSIM_C2 = 0.01**2, 0.03**2
"""Wang et al. 2004, for values in 0..1."""
SMALLEST_COUNT = 1.0
LEAST_SQUARE = 1e-6
"""Mean squared errors far below it, beyond 60 dB, are none."""


def per_sample_mean(x: Tensor) -> Tensor:
    """[B, ...] to [B]."""
    return x.flatten(1).mean(1)


def l1_loss(reference: Tensor, test: Tensor) -> Tensor:
    """Mean absolute difference of [B, C, H, W], a value a sample."""
    return per_sample_mean((test - reference).abs())


def decibel_loss(reference: Tensor, test: Tensor) -> Tensor:
    """How far [B, C, H, W] in 0..1 are below 60 dB of PSNR, in tens of decibels, a value a sample.

    A blurred frame's errors differ a hundredfold from picture to picture; here each counts alike.
    """
    return (1.0 + per_sample_mean((test - reference).square()) / LEAST_SQUARE).log10()


def ssim_loss(reference: Tensor, test: Tensor) -> Tensor:
    """1 - SSIM of [B, C, H, W] in 0..1, a value a sample, over windows wholly inside."""
    size = min(SSIM_WINDOW_PX, *test.shape[2:])
    kernel = _gaussian(size, SSIM_SIGMA_PX, test.device).to(test.dtype)
    x, y = test, reference
    mean_x, mean_y = _blur(x, kernel), _blur(y, kernel)
    var_x = _blur(x * x, kernel) - mean_x * mean_x
    var_y = _blur(y * y, kernel) - mean_y * mean_y
    covariance = _blur(x * y, kernel) - mean_x * mean_y
    light = (2.0 * mean_x * mean_y + SSIM_C1) / (mean_x * mean_x + mean_y * mean_y + SSIM_C1)
    structure = (2.0 * covariance + SSIM_C2) / (var_x + var_y + SSIM_C2)
    return 1.0 - per_sample_mean(light * structure)


def log_inverse_depth(inverse_depth: Tensor) -> Tensor:
    """log of inverse depth in 1/m, with everything beyond DEPTH_JUDGED_M at that distance."""
    return inverse_depth.clamp(min=1.0 / DEPTH_JUDGED_M).log()


def log_depth_error(reference: Tensor, test: Tensor) -> Tensor:
    """The difference of the two logs, test's less reference's; both inverse depth in 1/m.

    What is found beyond DEPTH_JUDGED_M and truly lies nearer still learns which way that is: the
    bound would leave it no gradient, and it there for ever.
    """
    bound = 1.0 / DEPTH_JUDGED_M
    judged = torch.where(reference > bound, clamped_in_value(test, minimum=bound), test)
    return log_inverse_depth(judged) - log_inverse_depth(reference)


def scale_invariant_loss(reference: Tensor, test: Tensor) -> Tensor:
    """Mean square of the log error less SCALE_FREEDOM x its squared mean, a value a sample.

    reference, test: inverse depth [B, 1, H, W] in 1/m. Source: arXiv 1406.2283, equation 4.
    """
    error = log_depth_error(reference, test)
    return per_sample_mean(error.square()) - SCALE_FREEDOM * per_sample_mean(error).square()


def log_ratio_loss(reference: Tensor, test: Tensor) -> Tensor:
    """Mean absolute log error about its median, and what scale still counts of that median; a value
    a sample.

    reference, test: inverse depth [B, 1, H, W] in 1/m. What AbsRel and delta1 of aligned depth
    measure, where squares would be ruled by the few pixels that are far off. Source: MiDaS (arXiv
    1907.01341), equation 5, on logarithms.
    """
    error = log_depth_error(reference, test).flatten(1)
    median = error.median(dim=1, keepdim=True).values
    return (error - median).abs().mean(1) + (1.0 - SCALE_FREEDOM) * median.abs().squeeze(1)


def depth_edge_loss(reference: Tensor, test: Tensor) -> Tensor:
    """Mean absolute slope of the log error over several scales, a value a sample.

    reference, test: inverse depth [B, 1, H, W] in 1/m. Outlines in the wrong place, or soft ones,
    are slopes of the error. Source: MegaDepth (arXiv 1804.00607), gradient matching.
    """
    error = log_depth_error(reference, test)
    total = error.new_zeros(error.shape[0])
    for step in EDGE_SCALES:
        coarse = error[:, :, ::step, ::step]
        across = (coarse[:, :, :, 1:] - coarse[:, :, :, :-1]).abs()
        down = (coarse[:, :, 1:] - coarse[:, :, :-1]).abs()
        total = total + per_sample_mean(across) + per_sample_mean(down)
    return total / len(EDGE_SCALES)


def warp(before: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
    """The frame before as it lies in this one, [B, C, H, W], and where that is known [B, 1, H, W].

    flow: [B, 2, H, W] in px (x, y): a pixel was at its own place plus the flow. Linear
    interpolation; places outside the frame are not known.
    """
    height, width = flow.shape[2:]
    x = torch.arange(width, dtype=flow.dtype, device=flow.device) + flow[:, 0]
    y = torch.arange(height, dtype=flow.dtype, device=flow.device)[:, None] + flow[:, 1]
    grid = torch.stack(
        [2.0 * x / max(width - 1, 1) - 1.0, 2.0 * y / max(height - 1, 1) - 1.0], dim=-1
    )
    moved = F.grid_sample(before, grid, padding_mode="border", align_corners=True)
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return moved, inside.to(before.dtype)[:, None]


def temporal_loss(now: Tensor, before: Tensor, flow: Tensor, valid: Tensor) -> Tensor:
    """Mean absolute change along known motion, where it holds; a value a sample.

    now, before: [B, C, H, W]; flow [B, 2, H, W] px; valid [B, 1, H, W], 0 or 1.
    """
    moved, inside = warp(before, flow)
    return _masked_mean((now - moved).abs().mean(1, keepdim=True), valid * inside)


def temporal_depth_loss(
    now: Tensor,
    before: Tensor,
    reference_now: Tensor,
    reference_before: Tensor,
    flow: Tensor,
    valid: Tensor,
) -> Tensor:
    """Mean absolute change of the log depth error along known motion; a value a sample.

    All depths are inverse depth [B, 1, H, W] in 1/m. A camera that moves changes true depths, so
    it is the error that shall stay.
    """
    error = log_inverse_depth(now) - log_inverse_depth(reference_now)
    error_before = log_inverse_depth(before) - log_inverse_depth(reference_before)
    return temporal_loss(error, error_before, flow, valid)


def _masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    count = mask.flatten(1).sum(1).clamp(min=SMALLEST_COUNT)
    return (x * mask).flatten(1).sum(1) / count


@lru_cache(maxsize=4)
def _gaussian(size: int, sigma: float, device: torch.device) -> Tensor:
    centre = (size - 1) / 2
    weights = torch.tensor([math.exp(-((i - centre) ** 2) / (2 * sigma**2)) for i in range(size)])
    return (weights / weights.sum()).to(device)


def _blur(x: Tensor, kernel: Tensor) -> Tensor:
    channels = x.shape[1]
    rows = kernel.view(1, 1, -1, 1).repeat(channels, 1, 1, 1)
    columns = kernel.view(1, 1, 1, -1).repeat(channels, 1, 1, 1)
    return F.conv2d(F.conv2d(x, rows, groups=channels), columns, groups=channels)
