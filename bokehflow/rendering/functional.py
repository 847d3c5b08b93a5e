"""Rendering one picture of any size, with the checks that an exported graph cannot make."""

from __future__ import annotations

import itertools
from functools import lru_cache

import torch
from torch import Tensor

from bokehflow.errors import LensError, MediaError, SizeError, UsageError
from bokehflow.optics import Lens
from bokehflow.rendering.bank import next_radius, radius_bank
from bokehflow.rendering.blur import LensBlur
from bokehflow.rendering.checks import in_single, require_srgb, require_values
from bokehflow.rendering.config import Quality, RenderConfig, largest_radius_px
from bokehflow.rendering.highlights import HighlightRecovery
from bokehflow.rendering.tiles import TiledBlur
from bokehflow.srgb import linear_to_srgb, srgb_to_linear

CHANNELS = (1, 2, 3, 4)
WITH_ALPHA = (2, 4)
COLOURS = 3
LEAST_ALPHA = 1e-4
"""Below it, where next to nothing is to be seen, more and more of the colour is the pixel's own."""
LIMIT_ROUNDING = 1e-6
"""Share of a limit by which blur may exceed it: radii are computed in float32, so that those of a
lens made for exactly the limit come out a few times 6e-8 above it."""


def render(
    image: Tensor,
    depth_m: Tensor,
    lens: Lens,
    config: RenderConfig | None = None,
    *,
    quality: Quality | None = None,
) -> Tensor:
    """The picture as `lens` would have taken it, same shape as `image`.

    image: [B, C, H, W], sRGB 0..1, C = 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha); alpha
    is straight and blurred with the picture, and where none is left colours stay. depth_m: [B, 1,
    H, W], metres, > 0, inf is infinitely far.
    Computed in float32, under autocast too, or in float64 for an image of that.
    config: how to render; `quality` alone is short for `RenderConfig(quality=...)`.
    Raises SizeError (shapes that do not fit), MediaError (depth or image values that make no
    sense), LensError (a blur beyond `config.max_radius_px` or beyond what a frame of this size
    allows) and UsageError (both config and quality, or something of another type).
    """
    if config is not None and quality is not None:
        raise UsageError("both config and quality", "one of the two", "set config.quality")
    if config is None:
        config = RenderConfig(quality="best" if quality is None else quality)
    _check_types(image, depth_m, lens, config)
    _check_shapes(image, depth_m)
    _check_values(image, depth_m)
    kind = image.device.type
    if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
        with torch.autocast(kind, enabled=False):
            return _rendered(image, depth_m, lens, config)
    return _rendered(image, depth_m, lens, config)


def _rendered(image: Tensor, depth_m: Tensor, lens: Lens, config: RenderConfig) -> Tensor:
    # Squares of large radii overflow in half precision, and PyTorch's wide kernels hang in it on
    # some processors.
    precise = torch.promote_types(image.dtype, torch.float32)
    colour, alpha = _apart(image.to(precise))
    radius = lens.signed_radius_px(1.0 / depth_m.to(precise), image.shape[3])
    blurred = _blurred(colour.expand(-1, COLOURS, -1, -1), alpha, radius, lens, config)
    # Grey is blurred as colours are, or outlines would be found in other places.
    kept = blurred if image.shape[1] >= COLOURS else blurred[:, COLOURS - 1 :]
    return kept.to(image.dtype)


def _apart(image: Tensor) -> tuple[Tensor, Tensor | None]:
    """Colour or grey, and alpha if there is one."""
    return (image[:, :-1], image[:, -1:]) if image.shape[1] in WITH_ALPHA else (image, None)


def _blurred(
    colour: Tensor, alpha: Tensor | None, radius: Tensor, lens: Lens, config: RenderConfig
) -> Tensor:
    """colour [B, 3, H, W] sRGB, alpha and radius [B, 1, H, W]: the picture, alpha last if any."""
    far, near = _reach(radius, lens, config)
    blur = _lens_blur(
        config.quality,
        far,
        near,
        COLOURS + (alpha is not None),
        config.blades,
        config.blade_rotation_deg,
        colour.dtype,
        colour.device,
    )
    recovery = HighlightRecovery(config.highlight_recovery, *colour.shape[2:])
    light = recovery(srgb_to_linear(colour), radius, alpha)
    if alpha is None:
        return linear_to_srgb(blur(light, radius))
    blurred = blur(torch.cat([light * alpha, alpha], 1), radius)
    shown, covered = blurred[:, :-1], blurred[:, -1:]
    shown = shown + (LEAST_ALPHA - covered).clamp(min=0.0) * light
    colour = linear_to_srgb(shown / covered.clamp(min=LEAST_ALPHA))
    return torch.cat([colour, covered.clamp(0.0, 1.0)], 1)


def _check_types(image: Tensor, depth_m: Tensor, lens: Lens, config: RenderConfig) -> None:
    wanted = ((image, Tensor), (depth_m, Tensor), (lens, Lens), (config, RenderConfig))
    for value, kind in wanted:
        if not isinstance(value, kind):
            raise UsageError(
                f"a {type(value).__name__} in place of a {kind.__name__}",
                "image and depth as tensors, a Lens and a RenderConfig",
            )


def _check_shapes(image: Tensor, depth_m: Tensor) -> None:
    if image.ndim != 4 or image.shape[1] not in CHANNELS or 0 in image.shape:
        raise SizeError(
            f"an image of shape {list(image.shape)}",
            "[B, C, H, W] with 1 to 4 channels and at least 1x1 px",
        )
    expected = [image.shape[0], 1, *image.shape[2:]]
    if list(depth_m.shape) != expected:
        raise SizeError(
            f"a depth map of shape {list(depth_m.shape)}",
            str(expected),
            "resize the depth map to the image",
        )


def _check_values(image: Tensor, depth_m: Tensor) -> None:
    require_values(depth_m, "a depth map")
    if depth_m.is_complex():
        raise MediaError(f"a depth map of {depth_m.dtype}", "metres, real numbers")
    # A comparison with NaN is false, so NaN counts as bad here.
    bad = int((~(in_single(depth_m) > 0)).sum())
    if bad:
        raise MediaError(
            f"{bad} of {depth_m.numel()} depth values are zero, negative or NaN",
            "metres above 0 (inf for infinitely far)",
            "fill the holes of the depth map first",
        )
    require_srgb(image)


def _reach(radius: Tensor, lens: Lens, config: RenderConfig) -> tuple[float, float]:
    """The bank's far and near ends in px, both >= 0. Raises LensError for blur above the limit."""
    height, width = radius.shape[2:]
    low, high = float(radius.detach().min()), float(radius.detach().max())
    limit = config.max_radius_px or largest_radius_px(height, width)
    largest = max(-low, high)
    if largest > limit * (1.0 + LIMIT_ROUNDING):
        found, most = _told_apart(largest, limit)
        whose = "" if config.max_radius_px is None else ", the config's max_radius_px"
        raise LensError(
            f"{lens} blurs by a radius of {found} px at {width}x{height}",
            f"at most {most} px{whose}",
            "use a smaller aperture or a shorter lens, or move the focus",
        )
    # A moving focus adds layers where nothing lies yet, and changes none: no layer jumps.
    return next_radius(config.quality, -low), next_radius(config.quality, high)


def _told_apart(one: float, other: float) -> tuple[str, str]:
    """Two numbers to as many decimals as it takes to see that they differ, one at least."""
    texts = ((f"{one:.{n}f}", f"{other:.{n}f}") for n in itertools.count(1))
    return next((a, b) for a, b in texts if a != b)


@lru_cache(maxsize=16)
def _lens_blur(
    quality: Quality,
    far_px: float,
    near_px: float,
    channels: int,
    blades: int,
    rotation_deg: float,
    dtype: torch.dtype,
    device: torch.device,
) -> TiledBlur:
    bank = radius_bank(quality, far_px, near_px)
    # Kept for callers that want gradients, too, whoever asks first.
    with torch.inference_mode(False):
        return TiledBlur(LensBlur(bank, channels, blades, rotation_deg).to(device, dtype))
