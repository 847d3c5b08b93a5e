"""Test charts: frames whose exact blurred picture is known by a formula."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bokehflow.optics import Lens, f_number_for_radius
from bokehflow.srgb import linear_to_srgb

CHART_FOCAL_MM = 50.0
CHART_FOCUS_M = 2.0
SMALLEST_GAIN_PX = 4.0
PROFILE_STEPS = 64


def chart_lens(largest_radius_px: float, width_px: int) -> Lens:
    """A lens that blurs infinity by twice the wanted radius, so that +r and -r are both depths."""
    gain_px = max(SMALLEST_GAIN_PX, 2.0 * largest_radius_px)
    f_number = f_number_for_radius(gain_px, CHART_FOCAL_MM, CHART_FOCUS_M, width_px)
    return Lens(CHART_FOCAL_MM, f_number, CHART_FOCUS_M)


def depth_for_radius(radius_px: Tensor, lens: Lens) -> Tensor:
    """Depth in metres that blurs by the given signed radii, [1, 1, H, W] to the same shape."""
    inverse_depth = lens.inverse_depth_for_radius(radius_px.double(), radius_px.shape[-1])
    depth_m: Tensor = (1.0 / inverse_depth).float()
    return depth_m


def grey(light: Tensor) -> Tensor:
    """An sRGB frame [1, 3, H, W] of linear light [1, 1, H, W]."""
    return linear_to_srgb(light).repeat(1, 3, 1, 1)


def covered_by_disk(distance_px: Tensor, radius_px: float) -> Tensor:
    """Share of a pixel's blur disk that lies in a half-plane, averaged over the pixel.

    distance_px: pixel centres' distance from the edge, positive outside the half-plane. Exact:
    the segment of a disk, 1/2 - (x sqrt(1 - x^2) + asin x) / pi with x = distance / radius.
    """
    inside_pixel = (torch.arange(PROFILE_STEPS, dtype=torch.float64) + 0.5) / PROFILE_STEPS - 0.5
    x = ((distance_px.double().unsqueeze(-1) + inside_pixel) / radius_px).clamp(-1.0, 1.0)
    share = 0.5 - (x * torch.sqrt(1.0 - x * x) + torch.asin(x)) / math.pi
    return share.mean(dim=-1).float()
