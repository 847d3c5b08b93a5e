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

import torch
from torch import Tensor

from bokehflow.rendering.division import LEAST_DIVISOR
from bokehflow.rendering.windows import (
    added,
    channel_sum,
    neighbours,
    ramp,
    window_ends,
    window_max,
)

JUMP_FROM_PX, JUMP_AT_PX = 1.5, 2.5
"""Range of radii within 3x3 px between which a slope turns into the outline of an object."""
TOLERANCE = 0.25
"""How far from a side's radius, as a share of the jump, a neighbour still belongs to it."""
MIN_TOLERANCE_PX = 1.0
OUTLINE_TRUST = 0.2
"""Weight of a neighbour that lies on an outline itself and may be mixed too."""
CONTRAST = 0.05
"""Difference in linear light at which the shares begin to be believed over the depth map."""


SURFACES = 2


class Surface(NamedTuple):
    """One of the two parts of every pixel.

    content: [B, C+1, H, W], its light times its share of the pixel, and the share; the two parts
    add up to the pixel's light and 1. radius_px: [B, 1, H, W], signed.
    """

    content: Tensor
    radius_px: Tensor


def unmix(light: Tensor, radius_px: Tensor) -> tuple[Surface, Surface]:
    """The near and the far part of every pixel; away from outlines both are of its own colour.

    light: [B, C, H, W], linear. radius_px: [B, 1, H, W], signed, positive nearer.
    """
    ends = window_ends(radius_px, 3)
    nearest, farthest = ends[:, :1], -ends[:, 1:]
    jump = nearest - farthest
    outline = ramp(jump, JUMP_FROM_PX, JUMP_AT_PX)
    trust = 1.0 - (1.0 - OUTLINE_TRUST) * outline
    tolerance = (TOLERANCE * jump).clamp(min=MIN_TOLERANCE_PX)
    around = tuple(zip(*(neighbours(x) for x in (light, radius_px, trust)), strict=True))
    near, near_found = _colour_at(around, nearest, tolerance)
    far, far_found = _colour_at(around, farthest, tolerance)
    to_near, to_far = near - light, far - light

    # Off the outlines, where both parts are alike, every pixel is the near or the far part of what
    # it borders on: so what lies beside an outline is on the same side as the outline itself.
    named, around_it = (_place(radius_px, x) for x in (ends, window_max(ends, 3)))
    named = around_it + outline * (named - around_it)
    contrast = to_near - to_far
    energy = channel_sum(contrast * contrast)
    seen = -channel_sum(to_far * contrast) / energy.clamp(min=LEAST_DIVISOR)
    # The depth map names the object that fills more than half of the pixel.
    seen = seen.clamp(0.0, 1.0).minimum(0.5 + 0.5 * named).maximum(0.5 * named)
    found = (near_found.minimum(far_found) / OUTLINE_TRUST).clamp(max=1.0)
    belief = found * outline * energy / (energy + CONTRAST**2)
    share = named + belief * (seen - named)

    # Both parts have the colours of their sides as far as these are believed. What light is then
    # missing goes to the named part; `owed` is how much of it the near part gets.
    nears = named * share
    owed = nears / (nears + (1.0 - named) * (1.0 - share))
    near_light = (
        share * light
        + (share * belief * (1.0 - owed)) * to_near
        - ((1.0 - share) * belief * owed) * to_far
    )
    return (
        Surface(torch.cat([near_light, share], 1), radius_px + outline * (nearest - radius_px)),
        Surface(
            torch.cat([light - near_light, 1.0 - share], 1),
            radius_px + outline * (farthest - radius_px),
        ),
    )


def _place(radius_px: Tensor, ends: Tensor) -> Tensor:
    """Where a radius lies between the ends of its window: 0 at the farthest, 1 at the nearest."""
    nearest, farthest = ends[:, :1], -ends[:, 1:]
    return (radius_px - farthest) / (nearest - farthest).clamp(min=LEAST_DIVISOR)


def _colour_at(
    around: Sequence[tuple[Tensor, ...]], wanted_px: Tensor, tolerance: Tensor
) -> tuple[Tensor, Tensor]:
    """Mean light of the neighbours whose radius is `wanted_px`, and how much was found.

    around: each neighbour's light, radius and trust.
    """
    lights, weights = [], []
    for light, radius_px, trust in around:
        alike = (1.0 - (radius_px - wanted_px).abs() / tolerance).clamp(min=0.0)
        weights.append(alike * trust)
        lights.append(weights[-1] * light)
    found = added(weights)
    return added(lights) / found.clamp(min=LEAST_DIVISOR), found
