"""A lens for a scene: where to focus and how much to blur, at random but always sensible."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bokehflow.optics import FULL_FRAME_WIDTH_MM, MM_PER_M, Lens

FOCAL_LENGTHS_MM = (24.0, 28.0, 35.0, 50.0, 85.0, 105.0)
F_NUMBERS = (0.95, 32.0)
NEAREST_FOCUS_M, FARTHEST_FOCUS_M = 0.3, 30.0
BLUR_SHARES = (0.003, 0.05)
"""The largest blur radius wanted, in frame widths: from barely seen to a wide-open portrait lens.
0.05 is 96 px in a frame 1920 wide, and 12.8 px in one of 256."""


def choose_lens(
    rng: np.random.Generator, inverse_depth: npt.NDArray[np.floating], centre_bias: float = 0.5
) -> Lens:
    """A lens focused on something in view, whose largest blur there lies within BLUR_SHARES.

    inverse_depth: [H, W] in 1/m of the sharp frame. centre_bias: 1 focuses near the middle of the
    frame only, 0 anywhere. Where the f-number that the wanted blur asks for is one that no lens
    has, it is the nearest that one has, and the blur what follows.
    """
    height, width = inverse_depth.shape
    spread = 1.0 - centre_bias
    row = int((0.5 + spread * rng.uniform(-0.5, 0.5)) * (height - 1))
    col = int((0.5 + spread * rng.uniform(-0.5, 0.5)) * (width - 1))
    nearest_q = 1.0 / FARTHEST_FOCUS_M
    focus_m = 1.0 / float(np.clip(inverse_depth[row, col], nearest_q, 1.0 / NEAREST_FOCUS_M))
    focal_mm = float(rng.choice(FOCAL_LENGTHS_MM))
    share = float(np.exp(rng.uniform(*np.log(BLUR_SHARES))))
    # The 99th per cent instead of the largest: a twig before the lens may blur more than all else.
    offset = np.abs(focus_m * inverse_depth.astype(np.float64) - 1.0)
    farthest = max(float(np.quantile(offset, 0.99)), 1e-3)
    gap_mm = focus_m * MM_PER_M - focal_mm
    f_number = 0.5 * focal_mm**2 / (gap_mm * FULL_FRAME_WIDTH_MM * share) * farthest
    return Lens(focal_mm, round(float(np.clip(f_number, *F_NUMBERS)), 3), round(focus_m, 4))


def any_lens(rng: np.random.Generator) -> Lens:
    """A lens of the same ranges that knows nothing of a scene, evenly on logarithmic scales."""
    f_number, focus_m = (
        float(np.exp(rng.uniform(*np.log(bounds))))
        for bounds in (F_NUMBERS, (NEAREST_FOCUS_M, FARTHEST_FOCUS_M))
    )
    return Lens(float(rng.choice(FOCAL_LENGTHS_MM)), round(f_number, 3), round(focus_m, 4))
