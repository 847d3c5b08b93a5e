"""The renderers that ours must beat: each as plain as its name.

All work in linear light, take the frame [1, 3, H, W] (sRGB 0..1), the depth [1, 1, H, W] (metres),
the lens and the aperture, and return the picture [1, 3, H, W] (sRGB 0..1).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from bokehflow.benchmarks.quality.kernels import (
    convolve,
    document_kernel,
    gaussian_kernel,
    smooth_kernel,
)
from bokehflow.calibration.aperture import Aperture
from bokehflow.optics import Lens
from bokehflow.srgb import linear_to_srgb, srgb_to_linear

BIN_PX = 2
"""Width of the document's radius bins."""
DOCUMENT_LAYERS = 8
TINY_COVERAGE = 1e-6


def no_blur(frame: Tensor, depth_m: Tensor, lens: Lens, aperture: Aperture) -> Tensor:  # noqa: ARG001
    """The sharp frame itself: what doing nothing scores."""
    return frame


def bin_and_blur(frame: Tensor, depth_m: Tensor, lens: Lens, aperture: Aperture) -> Tensor:
    """Founding document, section 3.3, as it is written: output += blur(input * mask) per bin.

    Nothing there makes the weights of a pixel add up to one, so depth edges come out too dark or
    too bright.
    """
    spread, _ = _binned(frame, depth_m, lens, aperture)
    return linear_to_srgb(spread)


def bin_and_blur_normalised(
    frame: Tensor, depth_m: Tensor, lens: Lens, aperture: Aperture
) -> Tensor:
    """The same divided by the sum of the blurred masks: bin-and-blur as it is usually repaired."""
    spread, coverage = _binned(frame, depth_m, lens, aperture)
    return linear_to_srgb(spread / coverage.clamp(min=TINY_COVERAGE))


def document_layers(frame: Tensor, depth_m: Tensor, lens: Lens, aperture: Aperture) -> Tensor:
    """Founding document, section 3.3, "occlusion-aware layered rendering": eight hard layers.

    Layers are equal steps of inverse depth, in which blur is linear; each is blurred by the mean
    radius of its pixels and laid over the farther ones.
    """
    light = srgb_to_linear(frame)
    inverse_depth = 1.0 / depth_m
    radius = lens.signed_radius_px(inverse_depth, frame.shape[-1]).abs()
    low, high = inverse_depth.min(), inverse_depth.max()
    share = (inverse_depth - low) / (high - low).clamp(min=1e-12)
    layer = (share * DOCUMENT_LAYERS).long().clamp(max=DOCUMENT_LAYERS - 1)
    output = torch.zeros_like(light)
    for index in range(DOCUMENT_LAYERS):
        mask = (layer == index).float()
        if mask.sum() == 0:
            continue
        kernel = document_kernel(round(float((radius * mask).sum() / mask.sum())), aperture)
        output = output * (1.0 - convolve(mask, kernel)) + convolve(light * mask, kernel)
    return linear_to_srgb(output)


def naive_gather(frame: Tensor, depth_m: Tensor, lens: Lens, aperture: Aperture) -> Tensor:
    """Every pixel is the mean of a disk of its own radius, whatever lies in it."""
    return _gather(frame, depth_m, lens, lambda radius: smooth_kernel(radius, aperture))


def gaussian(frame: Tensor, depth_m: Tensor, lens: Lens, aperture: Aperture) -> Tensor:  # noqa: ARG001
    """The same with a Gaussian of the disk's variance, sigma = r / 2."""
    return _gather(frame, depth_m, lens, lambda radius: gaussian_kernel(radius / 2.0))


def _binned(
    frame: Tensor, depth_m: Tensor, lens: Lens, aperture: Aperture
) -> tuple[Tensor, Tensor]:
    """Sums over the bins of the blurred masked light and of the blurred masks."""
    light = srgb_to_linear(frame)
    radius = lens.radius_px(depth_m, frame.shape[-1]).abs()
    quantised = torch.round(radius / BIN_PX).long() * BIN_PX
    spread = torch.zeros_like(light)
    coverage = torch.zeros_like(depth_m)
    for bin_radius in torch.unique(quantised).tolist():
        mask = (quantised == bin_radius).float()
        kernel = document_kernel(int(bin_radius), aperture)
        spread += convolve(light * mask, kernel)
        coverage += convolve(mask, kernel)
    return spread, coverage


def _gather(
    frame: Tensor, depth_m: Tensor, lens: Lens, kernel: Callable[[float], Tensor]
) -> Tensor:
    """Blur the frame by every whole radius, and read each pixel between the two nearest."""
    light = srgb_to_linear(frame)
    radius = lens.radius_px(depth_m, frame.shape[-1]).abs()
    output = torch.zeros_like(light)
    for step in range(math.ceil(float(radius.max())) + 1):
        weight = (1.0 - (radius - step).abs()).clamp(min=0.0)
        if weight.max() > 0:
            blurred = light if step == 0 else convolve(light, kernel(float(step)))
            output += weight * blurred
    return linear_to_srgb(output)
