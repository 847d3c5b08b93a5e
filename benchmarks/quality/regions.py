"""Where in a frame a renderer is judged: at depth edges, in focus, and elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from bokehflow.benchmarks.planes import Mask

JUMP_PX = 2.0
"""Neighbouring pixels whose blur radii differ by more than this lie on different objects."""
BAND_PX = 2
"""How far the edge band goes beyond the blur's own reach."""
IN_FOCUS_PX = 0.5
"""Largest blur radius, in pixels, of what counts as in focus."""


@dataclass(frozen=True, slots=True)
class Regions:
    """Masks [H, W]. The edge band and what is in focus may overlap: a near leaf before a face."""

    edge: Mask
    in_focus: Mask
    elsewhere: Mask


def find_regions(radius_px: Tensor) -> Regions:
    """Split a frame by its signed blur radius [1, 1, H, W].

    edge: pixels that the blur on either side of a depth jump can reach, and 2 px more.
    in_focus: radius up to 0.5 px. elsewhere: neither.
    """
    highest = F.max_pool2d(radius_px, 3, stride=1, padding=1)
    lowest = -F.max_pool2d(-radius_px, 3, stride=1, padding=1)
    jump = (highest - lowest > JUMP_PX)[0, 0].numpy()
    reach = torch.maximum(highest, -lowest).ceil()[0, 0].numpy().astype(int)
    edge = np.zeros(jump.shape, dtype=bool)
    for pixels in np.unique(reach[jump]):
        source = jump & (reach == pixels)
        edge |= ndimage.distance_transform_edt(~source) <= pixels + BAND_PX
    in_focus = (radius_px.abs() <= IN_FOCUS_PX)[0, 0].numpy()
    return Regions(edge=edge, in_focus=in_focus, elsewhere=~edge & ~in_focus)
