"""Blur kernels for the baselines, and a convolution that does not mind their size."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from scipy.fft import next_fast_len
from torch import Tensor

from bokehflow.calibration.aperture import Aperture

SUPERSAMPLING = 8


def document_kernel(radius_px: int, aperture: Aperture) -> Tensor:
    """K(u, v; r) of the founding document, section 3.3: [2 r + 1, 2 r + 1], sums to 1.

    1 / area for the pixels whose centre lies in the disk u^2 + v^2 <= r^2, or in the polygon that
    is inscribed in it; 0 elsewhere. Upright, as the blur of what lies behind the focus is.
    """
    steps = torch.arange(-radius_px, radius_px + 1, dtype=torch.float64)
    inside = _inside(steps, float(radius_px), aperture)
    return (inside / inside.sum()).float()


def smooth_kernel(radius_px: float, aperture: Aperture) -> Tensor:
    """The same shape drawn with the share of each pixel that it covers, for any radius > 0."""
    half = math.ceil(radius_px)
    fine = (torch.arange(SUPERSAMPLING, dtype=torch.float64) + 0.5) / SUPERSAMPLING - 0.5
    steps = (torch.arange(-half, half + 1, dtype=torch.float64)[:, None] + fine).flatten()
    inside = _inside(steps, radius_px, aperture)
    share = F.avg_pool2d(inside[None, None], SUPERSAMPLING)[0, 0]
    return (share / share.sum()).float()


def gaussian_kernel(sigma_px: float) -> Tensor:
    """A Gaussian cut at four sigma, sums to 1."""
    half = math.ceil(4.0 * sigma_px)
    steps = torch.arange(-half, half + 1, dtype=torch.float64)
    line = torch.exp(-0.5 * (steps / sigma_px) ** 2)
    plane = torch.outer(line, line)
    return (plane / plane.sum()).float()


def convolve(picture: Tensor, kernel: Tensor) -> Tensor:
    """Convolution of every channel of [1, C, H, W] with a kernel [k, k], the rim repeated."""
    half = kernel.shape[0] // 2
    height, width = picture.shape[-2:]
    rows, cols = height + 2 * half, width + 2 * half
    # A reflection could not be wider than the picture; repeating the rim can.
    padded = F.pad(picture, (half, half, half, half), mode="replicate")
    size = (next_fast_len(rows, real=True), next_fast_len(cols, real=True))
    spectrum = torch.fft.rfft2(padded, s=size) * torch.fft.rfft2(kernel, s=size)
    wrapped = torch.fft.irfft2(spectrum, s=size)
    valid: Tensor = wrapped[..., 2 * half : 2 * half + height, 2 * half : 2 * half + width]
    return valid


def _inside(steps: Tensor, radius_px: float, aperture: Aperture) -> Tensor:
    """1.0 where (x, y) on a square grid lies in the aperture of this radius, float64."""
    x, y = steps.unsqueeze(0), steps.unsqueeze(1)
    if aperture.blades == 0:
        return (x * x + y * y <= radius_px * radius_px).double()
    apothem = radius_px * math.cos(math.pi / aperture.blades)
    farthest = torch.full((len(steps), len(steps)), -math.inf, dtype=torch.float64)
    for blade in range(aperture.blades):
        angle = math.radians(aperture.rotation_deg) + (2 * blade + 1) * math.pi / aperture.blades
        farthest = torch.maximum(farthest, x * math.cos(angle) + y * math.sin(angle))
    return (farthest <= apothem + 1e-9).double()
