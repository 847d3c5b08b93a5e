"""From a small or soft depth map to the frame's size, with outlines that stay outlines.

A network's depth map passes smoothly from one object to the next, where the scene jumps. A depth
between two objects belongs to neither and is blurred like a third one: a halo. So on every ramp
between two depths each pixel is given to one of them: the one it is closer to, with the colours on
both sides as a second opinion. Steps that are sharp already are left alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bokehflow.rendering.checks import require_sides
from bokehflow.rendering.windows import (
    channel_sum,
    neighbours,
    ramp,
    window_ends,
    window_max,
    window_mean,
)

MIN_WINDOW_PX = 9
"""Width of the window in which the two depths and their colours are looked up."""
RISE_FROM, RISE_AT = 0.06, 0.12
"""Range of inverse depth in the window, as a share of the largest, that makes it two objects."""
LEVEL_FROM, LEVEL_AT = 0.55, 0.7
"""Range in the window as a share of that in a window twice as wide, where the ramp has ended
within it. A floor that goes on rising has 0.5, and is not an outline; less than a window from the
frame's border, where the wider window ends, it has up to two thirds, and steep ones may change."""
RAMP_FROM, RAMP_AT = 0.08, 0.12
"""Rise from one pixel to the next, as a share of the range, that makes it a ramp."""
RAMP_REACH_PX = 5
COLOUR_WEIGHT = 0.3
"""How far the colours may move the border between the two depths, as a share of the ramp."""
CONTRAST = 0.15
"""Difference in sRGB at which colours begin to count."""
STEEPNESS = 6.0
"""How much a ramp is steepened: a hard decision would turn rounding errors into wrong pixels."""
SMALLEST = 1e-3
"""Least divisor: a normal number in half precision too."""


class EdgeAwareUpsample(nn.Module):
    """Inverse depth of a small map at the size of the frame, sharpened where objects end.

    Static shapes and dense operations; the sizes may be equal, for a soft map of the frame's size.
    """

    def __init__(self, network_size: tuple[int, int], frame_size: tuple[int, int]) -> None:
        """Both sizes are (height, width). Raises SizeError for what is none."""
        super().__init__()
        require_sides(*network_size)
        require_sides(*frame_size)
        self.network_size, self.frame_size = network_size, frame_size
        ratio = max(f / n for f, n in zip(frame_size, network_size, strict=True))
        self.window_px = max(MIN_WINDOW_PX, 2 * math.ceil(ratio) + 1)

    def forward(self, inverse_depth: Tensor, image: Tensor) -> Tensor:
        """Inverse depth [B, 1, H, W] in 1/m of the frame.

        inverse_depth: [B, 1, h, w], 1/m, >= 0. image: [B, 3, H, W], sRGB 0..1.
        """
        if self.network_size != self.frame_size:
            inverse_depth = F.interpolate(
                inverse_depth, size=self.frame_size, mode="bilinear", align_corners=False
            )
        ends = window_ends(inverse_depth, self.window_px)
        near, far = ends[:, :1], -ends[:, 1:]
        rise = near - far
        place = (inverse_depth - far) / rise.clamp(min=SMALLEST)
        two_objects = ramp(rise / near.clamp(min=SMALLEST), RISE_FROM, RISE_AT)
        opinion = _colour_opinion(image, place, two_objects, self.window_px)
        decided = ((place - 0.5 + opinion) * STEEPNESS + 0.5).clamp(0.0, 1.0)
        slope = window_max(_one_pixel_rise(inverse_depth), RAMP_REACH_PX) / rise.clamp(min=SMALLEST)
        wider = channel_sum(window_max(ends, self.window_px))
        level = ramp(rise / wider.clamp(min=SMALLEST), LEVEL_FROM, LEVEL_AT)
        change = two_objects * level * ramp(slope, RAMP_FROM, RAMP_AT)
        return inverse_depth + change * (far + rise * decided - inverse_depth)


def _colour_opinion(image: Tensor, place: Tensor, two_objects: Tensor, window_px: int) -> Tensor:
    """Whether a pixel looks like the near (positive) or the far side, at most COLOUR_WEIGHT / 2."""
    weights = (place * place * two_objects, (1.0 - place) * (1.0 - place) * two_objects)
    near, far = _mean_colours(image, weights, window_px)
    contrast = near - far
    energy = channel_sum(contrast * contrast)
    alike = channel_sum((image - far) * contrast) / energy.clamp(min=SMALLEST)
    belief = energy / (energy + CONTRAST**2)
    return COLOUR_WEIGHT * belief * (alike.clamp(0.0, 1.0) - 0.5)


def _mean_colours(image: Tensor, weights: Sequence[Tensor], window_px: int) -> list[Tensor]:
    """The window's mean of [B, C, H, W] by each of several weights [B, 1, H, W]."""
    channels = image.shape[1]
    parts = [part for weight in weights for part in _weighed(image, weight + SMALLEST)]
    means = window_mean(torch.cat(parts, 1), window_px)
    sizes = [channels, 1] * len(weights)
    colours_and_weights = torch.split(means, sizes, 1)
    return [
        colour / weight
        for colour, weight in zip(colours_and_weights[::2], colours_and_weights[1::2], strict=True)
    ]


def _weighed(image: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    return weight * image, weight


def _one_pixel_rise(x: Tensor) -> Tensor:
    """The smaller of the two steps to a pixel's neighbours where they go the same way, else 0.

    A step that is sharp already has a level side, and a hair goes up and down again: both give 0.
    """
    left, right, above, below = neighbours(x)
    return _monotone(left, x, right).maximum(_monotone(above, x, below))


def _monotone(before: Tensor, x: Tensor, after: Tensor) -> Tensor:
    up = (after - x).minimum(x - before)
    down = (x - after).minimum(before - x)
    return up.maximum(down).clamp(min=0.0)
