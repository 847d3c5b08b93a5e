"""Half-planes at two depths, against the exact profile: who leaks across a depth edge?

far leak         what is blurred and far must not spread onto a sharp, near edge
halo             nor may the sharp edge spread into the far blur
spill outside    a near, blurred edge covers the sharp background as the disk's share says
spill inside     and lets it through on its own side likewise
Errors are largest absolute errors in linear light over the step's contrast, the worse of a bright
and a dark near side, along the middle row.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bokehflow.benchmarks.quality.charts import (
    chart_lens,
    covered_by_disk,
    depth_for_radius,
    grey,
)
from bokehflow.benchmarks.quality.renderers import Renderer
from bokehflow.calibration.aperture import Aperture
from bokehflow.srgb import srgb_to_linear

STEP_RADII_PX = (6.0, 13.0, 20.0, 36.0)
HEIGHT, WIDTH = 181, 320
DARK, BRIGHT = 0.04, 0.8
"""Linear light of the two sides."""


@dataclass(frozen=True, slots=True)
class StepErrors:
    """Largest errors at one blur radius, as shares of the contrast."""

    radius_px: float
    far_leak: float
    halo: float
    spill_outside: float
    spill_inside: float


def measure_steps(renderer: Renderer) -> list[StepErrors]:
    """The errors of a renderer at every radius of `STEP_RADII_PX`."""
    return [_measure(renderer, radius) for radius in STEP_RADII_PX]


def _measure(renderer: Renderer, radius_px: float) -> StepErrors:
    sides = ((BRIGHT, DARK), (DARK, BRIGHT))
    far = [_errors(renderer, near, behind, 0.0, -radius_px) for near, behind in sides]
    near = [_errors(renderer, near, behind, radius_px, 0.0) for near, behind in sides]
    return StepErrors(
        radius_px=radius_px,
        far_leak=max(float(error[: WIDTH // 2].max()) for error in far),
        halo=max(float(error[WIDTH // 2 :].max()) for error in far),
        spill_outside=max(float(error[WIDTH // 2 :].max()) for error in near),
        spill_inside=max(float(error[: WIDTH // 2].max()) for error in near),
    )


def _errors(
    renderer: Renderer, near: float, behind: float, near_radius: float, behind_radius: float
) -> Tensor:
    """Errors along the middle row, [WIDTH]: the near half-plane is the left half."""
    left = (torch.arange(WIDTH) < WIDTH // 2).expand(1, 1, HEIGHT, WIDTH)
    light = torch.where(left, near, behind)
    radius = torch.where(left, near_radius, behind_radius)
    lens = chart_lens(max(abs(near_radius), abs(behind_radius)), WIDTH)
    picture = renderer(grey(light), depth_for_radius(radius, lens), lens, Aperture())
    seen = srgb_to_linear(picture)[0, 1, HEIGHT // 2]
    distance = torch.arange(WIDTH) + 0.5 - WIDTH // 2
    sharp = (distance < 0).float()
    covered = covered_by_disk(distance, near_radius) if near_radius > 0 else sharp
    expected = covered * near + (1.0 - covered) * behind
    return (seen - expected).abs() / abs(near - behind)
