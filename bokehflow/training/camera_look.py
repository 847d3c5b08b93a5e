"""What a camera makes of a scene: tone, colour, sharpness and noise, drawn for each view.

Rendered frames all look alike: well exposed, clean and sharp. A photo's depth must not hang on
that, so depth is learned from frames with the looks of many cameras.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

GAMMA_RANGE = (0.6, 1.6)
"""Exponent of tone, around middle grey: below 1 flat, above 1 contrasty."""
SATURATION_RANGE = (0.2, 1.6)
GREY_SHARE = 0.05
WARMTH = 0.2
"""Most by which red and blue are weighed against each other."""
HAZE_SHARE, MOST_HAZE, HAZE_LEVEL = 0.2, 0.25, 0.8
"""Veiling glare: a share of views is washed out towards light grey."""
BLUR_SHARE, MOST_BLUR_PX = 0.4, 1.2
REACH_PX = 2
"""Of the softness: beyond it a normal curve of MOST_BLUR_PX has nearly ended."""
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


class Looks(NamedTuple):
    """The looks of a batch's cameras, each field [B, 1, 1, 1, 1] but gains [B, 1, 3, 1, 1], and the
    softness as a kernel [B, 2 x REACH_PX + 1], None where no camera has any."""

    gamma: Tensor
    saturation: Tensor
    gains: Tensor
    haze: Tensor
    softness: Tensor | None
    noise: Tensor

    def to(self, device: torch.device) -> Looks:
        """The same looks on another device."""
        moved = (x if x is None else x.to(device, non_blocking=True) for x in self)
        return Looks(*moved)  # type: ignore[arg-type]


def looks_of(cameras: Sequence[CameraLook]) -> Looks:
    """The looks of a batch, as `through_cameras` takes them."""

    def column(values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float32).view(-1, 1, 1, 1, 1)

    gains = torch.tensor([camera.gains for camera in cameras], dtype=torch.float32)
    return Looks(
        gamma=column([camera.gamma for camera in cameras]),
        saturation=column([camera.saturation for camera in cameras]),
        gains=gains.view(-1, 1, 3, 1, 1),
        haze=column([camera.haze for camera in cameras]),
        softness=torch.stack([_softness(camera.blur_px) for camera in cameras])
        if any(camera.blur_px > 0.0 for camera in cameras)
        else None,
        noise=column([camera.noise for camera in cameras]),
    )


def through_cameras(frames: Tensor, looks: Looks, noise: Tensor | None) -> Tensor:
    """Frames [B, n, 3, H, W], sRGB 0..1, each clip's with the look of a camera of its own.

    noise: of the same shape, normally distributed with standard deviation 1; None for no noise.
    """
    luma = (frames * frames.new_tensor(LUMA).view(3, 1, 1)).sum(2, keepdim=True)
    seen = (luma + looks.saturation * (frames - luma)) * looks.gains
    seen = MIDDLE_GREY * (seen.clamp(min=0.0) / MIDDLE_GREY) ** looks.gamma
    seen = (1.0 - looks.haze) * seen + looks.haze * HAZE_LEVEL
    if looks.softness is not None:
        seen = _softened(_softened(seen, looks.softness, 3), looks.softness, 4)
    if noise is not None:
        seen = seen + looks.noise * noise
    return seen.clamp(0.0, 1.0)


def through_camera(frames: Tensor, look: CameraLook) -> Tensor:
    """Frames [n, 3, H, W] of one camera, sRGB 0..1, with its look; noise differs between them."""
    noise = None
    if look.noise > 0.0:
        generator = torch.Generator().manual_seed(look.seed)
        noise = torch.randn(1, *frames.shape, generator=generator)
    return through_cameras(frames[None], looks_of([look]), noise)[0]


def _some(rng: np.random.Generator, share: float, most: float) -> float:
    """0 for most views, else up to `most`."""
    amount = rng.uniform(0.0, most)
    return float(amount) if rng.random() < share else 0.0


def _softness(sigma_px: float) -> Tensor:
    """A normal curve at whole pixels, summing to 1; a softness of 0 leaves all as it is."""
    place = torch.arange(-REACH_PX, REACH_PX + 1, dtype=torch.float32)
    if sigma_px == 0.0:
        return (place == 0.0).float()
    kernel = torch.exp(-0.5 * (place / sigma_px) ** 2)
    return kernel / kernel.sum()


def _softened(pictures: Tensor, kernel: Tensor, axis: int) -> Tensor:
    """Pictures [B, n, 3, H, W] blurred along an axis, each clip's with its kernel of [B, taps]."""
    length = pictures.shape[axis]
    place = torch.arange(length, device=pictures.device)
    total = torch.zeros_like(pictures)
    for tap in range(kernel.shape[1]):
        moved = pictures.index_select(axis, (place + tap - REACH_PX).clamp(0, length - 1))
        total = total + kernel[:, tap].view(-1, 1, 1, 1, 1) * moved
    return total
