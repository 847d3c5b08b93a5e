"""What a camera makes of a scene: tone, colour, sharpness and noise, drawn for each view.

Rendered frames all look alike: well exposed, clean and sharp. A photo's depth must not hang on
that, so depth is learned from frames with the looks of many cameras.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

GAMMA_RANGE = (0.6, 1.6)
"""Exponent of tone, around middle grey: below 1 flat, above 1 contrasty."""
SATURATION_RANGE = (0.2, 1.6)
GREY_SHARE = 0.05
WARMTH = 0.2
"""Most by which red and blue are weighed against each other."""
HAZE_SHARE, MOST_HAZE = 0.2, 0.25
"""Veiling glare: a share of views is washed out towards grey."""
BLUR_SHARE, MOST_BLUR_PX = 0.4, 1.2
NOISE_SHARE, MOST_NOISE = 0.6, 0.04
MIDDLE_GREY = 0.45
LUMA = (0.299, 0.587, 0.114)


class CameraLook(NamedTuple):
    """gamma, saturation, gains [3] and haze act on sRGB 0..1; blur_px: standard deviation of the
    softness; noise: standard deviation of white noise, drawn with `seed`."""

    gamma: float
    saturation: float
    gains: tuple[float, float, float]
    haze: float
    blur_px: float
    noise: float
    seed: int


def random_look(rng: np.random.Generator) -> CameraLook:
    """The look of some camera on some day."""
    warmth = rng.uniform(-WARMTH, WARMTH)
    saturation = 0.0 if rng.random() < GREY_SHARE else rng.uniform(*SATURATION_RANGE)
    return CameraLook(
        gamma=float(np.exp(rng.uniform(*np.log(GAMMA_RANGE)))),
        saturation=float(saturation),
        gains=(float(1.0 + warmth), float(rng.uniform(0.95, 1.05)), float(1.0 - warmth)),
        haze=_some(rng, HAZE_SHARE, MOST_HAZE),
        blur_px=_some(rng, BLUR_SHARE, MOST_BLUR_PX),
        noise=_some(rng, NOISE_SHARE, MOST_NOISE),
        seed=int(rng.integers(2**31)),
    )


def through_camera(frames: Tensor, look: CameraLook) -> Tensor:
    """Frames [n, 3, H, W] of one camera, sRGB 0..1, with its look; noise differs between them."""
    luma = (frames * frames.new_tensor(LUMA).view(3, 1, 1)).sum(1, keepdim=True)
    seen = (luma + look.saturation * (frames - luma)) * frames.new_tensor(look.gains).view(3, 1, 1)
    seen = MIDDLE_GREY * (seen.clamp(min=0.0) / MIDDLE_GREY) ** look.gamma
    seen = (1.0 - look.haze) * seen + look.haze * 0.8
    if look.blur_px > 0.0:
        seen = _softened(seen, look.blur_px)
    if look.noise > 0.0:
        generator = torch.Generator().manual_seed(look.seed)
        seen = seen + look.noise * torch.randn(seen.shape, generator=generator)
    return seen.clamp(0.0, 1.0)


def _some(rng: np.random.Generator, share: float, most: float) -> float:
    """0 for most views, else up to `most`."""
    amount = rng.uniform(0.0, most)
    return float(amount) if rng.random() < share else 0.0


def _softened(pictures: Tensor, sigma_px: float) -> Tensor:
    reach = max(1, round(2.0 * sigma_px))
    place = torch.arange(-reach, reach + 1, dtype=pictures.dtype)
    kernel = torch.exp(-0.5 * (place / sigma_px) ** 2)
    kernel = kernel / kernel.sum()
    padded = F.pad(pictures, (reach, reach, reach, reach), mode="replicate")
    across = F.conv2d(padded, kernel.view(1, 1, 1, -1).repeat(3, 1, 1, 1), groups=3)
    return F.conv2d(across, kernel.view(1, 1, -1, 1).repeat(3, 1, 1, 1), groups=3)
