"""Seeded scenes with their exact truth: what a renderer is given and what it should return.

The frame is an 8-bit sRGB picture without blur, the depth is exact, and the truth is traced through
the lens. The same kind, seed and size give the same bytes again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bokehflow.calibration import scene_deep, scene_flat
from bokehflow.calibration.aperture import Aperture, lens_samples, samples_for
from bokehflow.calibration.canvas import REFERENCE_WIDTH_PX, Canvas
from bokehflow.calibration.stage import Stage, random_lens
from bokehflow.calibration.thin_lens import largest_radius_px, trace, visible_depth_m
from bokehflow.errors import SizeError, UnknownNameError
from bokehflow.optics import Lens
from bokehflow.srgb import linear_to_srgb

_BUILDERS: dict[str, Callable[[Stage], None]] = {
    "portrait": scene_flat.portrait,
    "hair": scene_flat.hair,
    "leaves": scene_flat.leaves,
    "occluder": scene_flat.occluder,
    "lights": scene_flat.lights,
    "ground": scene_deep.ground,
    "corridor": scene_deep.corridor,
    "curved": scene_deep.curved,
}
SCENE_KINDS = tuple(_BUILDERS)
"""Every kind of scene, in the order in which tables list them."""

MIN_SIDE_PX = 32
LARGEST_RADIUS_AT_480_PX = 26.0
"""No scene blurs by more than this in a frame 480 pixels wide; margins are drawn for it."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One test picture. Tensors are float32.

    frame: [1, 3, H, W] sRGB 0..1 in multiples of 1/255, all in focus.
    depth_m: [1, 1, H, W] metres, of what each pixel mostly shows.
    truth: [1, 3, H, W] sRGB 0..1, the same scene through `lens` with `aperture`.
    """

    name: str
    frame: Tensor
    depth_m: Tensor
    lens: Lens
    truth: Tensor
    aperture: Aperture

    @property
    def blades(self) -> int:
        """Sides of the aperture, 0 for a disk."""
        return self.aperture.blades

    @property
    def radius_px(self) -> Tensor:
        """Signed blur radius of every pixel, [1, 1, H, W], positive nearer than the focus."""
        radius: Tensor = self.lens.radius_px(self.depth_m, self.frame.shape[-1])
        return radius


def make_scene(
    kind: str,
    seed: int,
    height: int,
    width: int,
    *,
    aperture: Aperture | None = None,
    samples: int | None = None,
) -> Scene:
    """Build a scene and trace its truth.

    kind: one of `SCENE_KINDS`. aperture: a disk when left out. samples: lens samples of the truth;
    left out, one per pixel of the largest blur and at least 256. Blur grows with the width, so a
    scene looks the same at every size. Raises UnknownNameError for another kind and SizeError for
    a frame with a side below 32 pixels.
    """
    if kind not in _BUILDERS:
        raise UnknownNameError("scene", kind, SCENE_KINDS)
    if min(height, width) < MIN_SIDE_PX:
        raise SizeError(f"a scene of {height}x{width} pixels", f"sides of at least {MIN_SIDE_PX}")
    rng = np.random.default_rng([seed, SCENE_KINDS.index(kind)])
    margin = math.ceil(LARGEST_RADIUS_AT_480_PX * width / REFERENCE_WIDTH_PX) + 3
    stage = Stage(Canvas(height, width, margin), random_lens(rng), rng)
    _BUILDERS[kind](stage)
    aperture = aperture or Aperture()
    return photograph(f"{kind}-{seed}", stage, aperture, samples)


def photograph(name: str, stage: Stage, aperture: Aperture, samples: int | None = None) -> Scene:
    """The sharp frame, the depth and the traced truth of a finished stage."""
    layers, lens = stage.layers, stage.lens
    if samples is None:
        samples = samples_for(largest_radius_px(layers, lens))
    sharp = trace(layers, lens, torch.zeros(1, 2))
    blurred = trace(layers, lens, lens_samples(aperture, samples))
    return Scene(
        name=name,
        frame=(torch.round(linear_to_srgb(sharp) * 255.0) / 255.0).unsqueeze(0),
        depth_m=visible_depth_m(layers).unsqueeze(0),
        lens=lens,
        truth=linear_to_srgb(blurred).unsqueeze(0),
        aperture=aperture,
    )
