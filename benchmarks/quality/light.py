"""Does a renderer keep the light it is given? Flat fields, single points, and a focus pull."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.benchmarks.quality.charts import chart_lens, depth_for_radius, grey
from bokehflow.benchmarks.quality.renderers import Renderer
from bokehflow.calibration.aperture import Aperture
from bokehflow.calibration.scenes import Scene
from bokehflow.srgb import linear_to_srgb, srgb_to_linear

LIGHT_RADII_PX = (0.0, 0.3, 0.7, 1.0, 1.6, 2.7, 4.5, 8.0, 14.0, 23.0, 40.0, 60.0, 75.0)
FLAT_LIGHT = 0.4
FLAT_SIZE = (97, 129)
IMPULSE_SIZE = (201, 201)
PULL_STEP_PX = 0.05
PULL_END_PX = 3.0
PULL_SIZE = (120, 160)
PULL_BLOCK_PX = 40
"""Side of the blocks whose brightness is watched during the pull."""


@dataclass(frozen=True, slots=True)
class LightErrors:
    """Largest relative errors in linear light.

    flat_field: a flat colour at one depth, over all radii and both sides of the focus.
    flat_colour: a flat colour over the depth of the scenes, with their depth edges.
    impulse: the energy of one lit pixel, over all radii and both sides.
    pull_frame, pull_block: brightness jump between two steps of a focus pull from 0 to 3 px in
    steps of 0.05, of the whole frame and of the worst block.
    pull_contrast: the same for the frame's RMS contrast; small where the blur grows continuously.
    """

    flat_field: float
    flat_colour: float
    impulse: float
    pull_frame: float
    pull_block: float
    pull_contrast: float


def measure_light(renderer: Renderer, scenes: Sequence[Scene]) -> LightErrors:
    """All of the above for one renderer; `scenes` lend their depth maps and lenses."""
    signed = sorted({sign * radius for radius in LIGHT_RADII_PX for sign in (-1.0, 1.0)})
    frame_jump, block_jump, contrast_jump = focus_pull_jumps(renderer)
    return LightErrors(
        flat_field=max(flat_field_error(renderer, radius) for radius in signed),
        flat_colour=max((flat_colour_error(renderer, scene) for scene in scenes), default=0.0),
        impulse=max(impulse_error(renderer, radius) for radius in signed),
        pull_frame=frame_jump,
        pull_block=block_jump,
        pull_contrast=contrast_jump,
    )


def flat_field_error(renderer: Renderer, radius_px: float) -> float:
    """Largest relative error of a flat grey that blurs by one radius (signed, pixels)."""
    frame = grey(torch.full((1, 1, *FLAT_SIZE), FLAT_LIGHT))
    seen = _light_at(renderer, frame, torch.full((1, 1, *FLAT_SIZE), radius_px))
    return float((seen / FLAT_LIGHT - 1.0).abs().max())


def flat_colour_error(renderer: Renderer, scene: Scene) -> float:
    """Largest relative error of a flat grey over the depth of a scene."""
    frame = grey(torch.full_like(scene.depth_m, FLAT_LIGHT))
    picture = renderer(frame, scene.depth_m, scene.lens, scene.aperture)
    return float((srgb_to_linear(picture) / FLAT_LIGHT - 1.0).abs().max())


def impulse_error(renderer: Renderer, radius_px: float) -> float:
    """Relative error of the energy of one white pixel on black, blurred by one signed radius."""
    light = torch.zeros(1, 1, *IMPULSE_SIZE)
    light[..., IMPULSE_SIZE[0] // 2, IMPULSE_SIZE[1] // 2] = 1.0
    seen = _light_at(renderer, grey(light), torch.full_like(light, radius_px))
    return abs(float(seen[:, 1].double().sum()) - 1.0)


def focus_pull_jumps(renderer: Renderer) -> tuple[float, float, float]:
    """Largest relative jump between neighbouring steps: frame and block brightness, contrast."""
    frame = pull_frame()
    steps = torch.arange(0.0, PULL_END_PX + PULL_STEP_PX / 2, PULL_STEP_PX).tolist()
    pictures = [_light_at(renderer, frame, torch.full((1, 1, *PULL_SIZE), r)) for r in steps]
    blocks = torch.stack([F.avg_pool2d(picture, PULL_BLOCK_PX) for picture in pictures])
    contrast = torch.stack([picture.std() for picture in pictures])
    means = blocks.mean(dim=(1, 2, 3, 4))
    return _largest_jump(means), _largest_jump(blocks), _largest_jump(contrast)


def _largest_jump(steps: Tensor) -> float:
    """Largest relative change from one entry along the first axis to the next."""
    return float(((steps[1:] - steps[:-1]) / steps[:-1]).abs().max())


def pull_frame() -> Tensor:
    """A frame of random coarse and fine detail, sRGB [1, 3, H, W]; always the same."""
    rng = np.random.default_rng(0)
    fine = torch.from_numpy(rng.random((1, 3, *PULL_SIZE), dtype=np.float32))
    coarse = torch.from_numpy(rng.random((1, 3, 9, 12), dtype=np.float32))
    mixed = 0.5 * fine + 0.5 * F.interpolate(coarse, PULL_SIZE, mode="bilinear")
    return linear_to_srgb(mixed)


def _light_at(renderer: Renderer, frame: Tensor, radius_px: Tensor) -> Tensor:
    """Linear light [1, 3, H, W] of a frame that blurs by one radius everywhere."""
    lens = chart_lens(float(radius_px.abs().max()), frame.shape[-1])
    picture = renderer(frame, depth_for_radius(radius_px, lens), lens, Aperture())
    return srgb_to_linear(picture)
