"""Discrete blur kernels of a round or bladed aperture, with exactly the wanted spread.

A pyramid already blurs a little (pooling down, interpolating up), and a disk drawn on pixels is not
quite its ideal: the drawn radius is solved so that the variance of the whole chain is that of the
ideal aperture image. Variance is also what the soft bins interpolate, so a focus pull is smooth.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from bokehflow.rendering.bank import COMPOSITE_LEVEL
from bokehflow.rendering.cells import enlarged
from bokehflow.rendering.coarser import PROFILE_VARIANCE

SUPERSAMPLING = 16
SOLVER_STEPS = 40
SOLVED_RADIUS = 48.0
"""Radius in cells up to which the drawn one is solved: more than any layer of a frame of 3840 px
has. Beyond it a step takes up to seconds, and the ideal radius has the variance within 0.1%."""
CELL_VARIANCE = 1.0 / 12.0
"""In squares of cells, of a cell as a square: about what drawing on whole cells adds."""
TINY_RADIUS = 1.0
"""Radius in cells below which pixels are too coarse to draw a disk: a delta is mixed in."""


def aperture_variance(radius: float, blades: int) -> float:
    """Variance along one axis of a uniform disk, or of a regular polygon of that circumradius."""
    corner = 1.0 if blades == 0 else math.cos(2.0 * math.pi / blades)
    return radius * radius * (2.0 + corner) / 12.0


def pyramid_variance(level: int) -> float:
    """Variance in px^2 along one axis that a level's grid adds, from level 1 on: means of 2 px,
    `Coarser` for every level beyond, and interpolating back by way of the composite's grid."""
    down: float = 0.25 + sum(PROFILE_VARIANCE * 4**finer for finer in range(1, level))
    impulse = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    impulse[0, 0, 4, 4] = 1.0
    coarse = enlarged(impulse, 2 ** max(level - COMPOSITE_LEVEL, 0))
    return down + _axis_variance(enlarged(coarse, 2**COMPOSITE_LEVEL)[0, 0])


@lru_cache(maxsize=256)
def level_kernel(radius_px: float, level: int, blades: int, rotation_deg: float) -> Tensor:
    """The kernel [k, k], sum 1, odd k, float64, that gives the blur `radius_px` at a pyramid level.

    radius_px is signed: a point farther than the focus (negative) shows the aperture upright, a
    nearer one turned by 180 degrees. Laid out for cross-correlation (what conv2d computes).
    Solved once for all frame sizes: not to be written to.
    """
    wanted = aperture_variance(abs(radius_px), blades)
    cells = (wanted - pyramid_variance(level) * (level > 0)) / 4**level
    # Cross-correlation gathers: it needs the aperture as seen from the pixel that is written.
    turn = rotation_deg + (180.0 if radius_px < 0 else 0.0)
    kernel = _kernel_of_variance(max(cells, 0.0), blades, turn)
    return _trimmed(kernel)


def _kernel_of_variance(variance: float, blades: int, rotation_deg: float) -> Tensor:
    smallest = draw_aperture(TINY_RADIUS, blades, rotation_deg)
    floor = _axis_variance(smallest)
    if variance <= floor:
        delta = torch.zeros_like(smallest)
        delta[delta.shape[0] // 2, delta.shape[1] // 2] = 1.0
        share = variance / floor
        return share * smallest + (1.0 - share) * delta
    unit = aperture_variance(1.0, blades)
    ideal = math.sqrt(variance / unit)
    if ideal > SOLVED_RADIUS:
        return draw_aperture(math.sqrt((variance - CELL_VARIANCE) / unit), blades, rotation_deg)
    low, high = TINY_RADIUS, 2.0 * ideal + 2.0
    for _ in range(SOLVER_STEPS):
        middle = 0.5 * (low + high)
        if _axis_variance(draw_aperture(middle, blades, rotation_deg)) < variance:
            low = middle
        else:
            high = middle
    return draw_aperture(0.5 * (low + high), blades, rotation_deg)


def draw_aperture(radius: float, blades: int, rotation_deg: float) -> Tensor:
    """Coverage of each cell by the aperture of this radius in cells, [k, k], sum 1, odd k.

    The first corner of a polygon lies at `rotation_deg` from the x axis towards y (downwards).
    """
    half = math.ceil(radius + 0.5)
    count = (2 * half + 1) * SUPERSAMPLING
    at = (torch.arange(count, dtype=torch.float64) + 0.5) / SUPERSAMPLING - half - 0.5
    y, x = at[:, None], at[None, :]
    if blades == 0:
        inside = x * x + y * y <= radius * radius
    else:
        inside = torch.ones(count, count, dtype=torch.bool)
        for blade in range(blades):
            normal = math.radians(rotation_deg) + math.pi * (2 * blade + 1) / blades
            edge = radius * math.cos(math.pi / blades)
            inside = inside & (x * math.cos(normal) + y * math.sin(normal) <= edge)
    # Whole rows first: several times as fast as a pooling, and numbers of points are exact.
    cells = 2 * half + 1
    by_row = inside.reshape(cells, SUPERSAMPLING, count).sum(1, dtype=torch.int32)
    covered = by_row.reshape(cells, cells, SUPERSAMPLING).sum(2).to(torch.float64)
    return covered / covered.sum()


def _axis_variance(kernel: Tensor) -> float:
    return 0.5 * (_variance(kernel.sum(0)) + _variance(kernel.sum(1)))


def _variance(profile: Tensor) -> float:
    profile = profile / profile.sum()
    at = torch.arange(profile.numel(), dtype=profile.dtype)
    mean = (profile * at).sum()
    return float((profile * (at - mean) ** 2).sum())


def _trimmed(kernel: Tensor) -> Tensor:
    """The kernel without the empty rows and columns around it, still centred."""
    while kernel.shape[0] > 1 and not _border(kernel).any():
        kernel = kernel[1:-1, 1:-1]
    return kernel.contiguous()


def _border(kernel: Tensor) -> Tensor:
    return torch.cat([kernel[0], kernel[-1], kernel[:, 0], kernel[:, -1]])
