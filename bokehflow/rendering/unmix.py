"""Taking apart the pixels in which two objects meet.

A pixel on an outline shows a little of both objects, but its depth is that of only one. Blurred as
one, it drags the other object's colour along: outlines get jagged and hair leaves coloured fog. So
every pixel at a jump of radius is split into a near and a far part: the colours of both are taken
from its neighbours, the shares from where its own colour lies between theirs, and what is left over
goes to the part that the depth map names, so no light is gained or lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from bokehflow.rendering.windows import ramp, window_max, window_min

JUMP_FROM_PX, JUMP_AT_PX = 1.5, 2.5
"""Range of radii within 3x3 px between which a slope turns into the outline of an object."""
TOLERANCE = 0.25
"""How far from a side's radius, as a share of the jump, a neighbour still belongs to it."""
MIN_TOLERANCE_PX = 1.0
OUTLINE_TRUST = 0.2
"""Weight of a neighbour that lies on an outline itself and may be mixed too."""
CONTRAST = 0.05
"""Difference in linear light at which the shares begin to be believed over the depth map."""
SMALLEST = 1e-4
"""Least divisor: a normal number in half precision too, and no bias above it."""


class Surface(NamedTuple):
    """One of the two parts of every pixel.

    share: [B, 1, H, W], the two add up to 1. light: [B, C, H, W]. radius_px: [B, 1, H, W], signed.
    """

    share: Tensor
    light: Tensor
    radius_px: Tensor


def unmix(light: Tensor, radius_px: Tensor) -> tuple[Surface, Surface]:
    """The near and the far part of every pixel; away from outlines both are the pixel itself.

    light: [B, C, H, W], linear. radius_px: [B, 1, H, W], signed, positive nearer.
    """
    nearest, farthest = window_max(radius_px, 3), window_min(radius_px, 3)
    jump = nearest - farthest
    outline = ramp(jump, JUMP_FROM_PX, JUMP_AT_PX)
    trust = 1.0 - (1.0 - OUTLINE_TRUST) * outline
    tolerance = (TOLERANCE * jump).clamp(min=MIN_TOLERANCE_PX)
    near, near_found = _colour_at(light, radius_px, trust, nearest, tolerance)
    far, far_found = _colour_at(light, radius_px, trust, farthest, tolerance)

    named = (radius_px - farthest) / jump.clamp(min=SMALLEST)
    contrast = near - far
    energy = (contrast * contrast).sum(1, keepdim=True)
    seen = ((light - far) * contrast).sum(1, keepdim=True) / energy.clamp(min=SMALLEST)
    # The depth map names the object that fills more than half of the pixel.
    seen = seen.clamp(0.0, 1.0).minimum(0.5 + 0.5 * named).maximum(0.5 * named)
    found = (near_found.minimum(far_found) / OUTLINE_TRUST).clamp(max=1.0)
    belief = found * outline * energy / (energy + CONTRAST**2)
    share = named + belief * (seen - named)

    near, far = light + belief * (near - light), light + belief * (far - light)
    rest = light - far - share * (near - far)
    rest = rest / (named * share + (1.0 - named) * (1.0 - share)).clamp(min=SMALLEST)
    near_radius = radius_px + outline * (nearest - radius_px)
    far_radius = radius_px + outline * (farthest - radius_px)
    return (
        Surface(share, near + named * rest, near_radius),
        Surface(1.0 - share, far + (1.0 - named) * rest, far_radius),
    )


def _colour_at(
    light: Tensor, radius_px: Tensor, trust: Tensor, wanted_px: Tensor, tolerance: Tensor
) -> tuple[Tensor, Tensor]:
    """Mean light of the four neighbours whose radius is `wanted_px`, and how much was found."""
    height, width = light.shape[2:]
    around = [F.pad(x, (1, 1, 1, 1), mode="replicate") for x in (light, radius_px, trust)]
    lights, weights = [], []
    for y, x in ((0, 1), (2, 1), (1, 0), (1, 2)):
        their_light, their_radius, their_trust = (
            a[:, :, y : y + height, x : x + width] for a in around
        )
        alike = (1.0 - (their_radius - wanted_px).abs() / tolerance).clamp(min=0.0)
        weights.append(alike * their_trust)
        lights.append(weights[-1] * their_light)
    found = added(weights)
    return added(lights) / found.clamp(min=SMALLEST), found


def added(parts: Sequence[Tensor]) -> Tensor:
    """The sum of tensors of one shape, one by one."""
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
