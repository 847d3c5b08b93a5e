"""Small pictures with known answers."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def textured(height: int, width: int, seed: int = 0) -> Tensor:
    """An sRGB picture [1, 3, H, W] of smooth colours with grain."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 5, 7, generator=generator)
    smooth = torch.nn.functional.interpolate(
        coarse, size=(height, width), mode="bilinear", align_corners=False
    )
    grain = torch.rand(1, 3, height, width, generator=generator)
    return 0.8 * smooth + 0.2 * grain


def stepped_radius(height: int, width: int, far_px: float, near_px: float) -> Tensor:
    """Signed radii [1, 1, H, W]: far on the left, in focus in the middle, near on the right."""
    x = torch.arange(width) / width
    radius = torch.where(x < 0.35, far_px, torch.where(x < 0.7, 0.0, near_px))
    return radius.expand(1, 1, height, width).contiguous()


def disk_share(distance_px: float, radius_px: float) -> float:
    """Share of a disk that lies beyond a straight edge at `distance_px` from its centre."""
    t = max(-1.0, min(1.0, distance_px / radius_px))
    return 0.5 + (t * math.sqrt(1.0 - t * t) + math.asin(t)) / math.pi


def step_profile(width: int, edge_px: int, radius_px: float) -> Tensor:
    """Mean coverage [W] of every pixel by the blurred half-plane x >= edge_px."""
    offsets = [(i + 0.5) / 10 for i in range(10)]
    return torch.tensor(
        [
            sum(disk_share(x + o - edge_px, radius_px) for o in offsets) / len(offsets)
            for x in range(width)
        ]
    )


def psnr_db(reference: Tensor, test: Tensor) -> float:
    """Peak signal-to-noise ratio of values in 0..1."""
    error = float((test.double() - reference.double()).square().mean())
    return -10.0 * math.log10(max(error, 1e-20))
