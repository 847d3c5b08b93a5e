"""From scene light to 8-bit pictures: one exposure for a whole clip, as a camera sets it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bokehflow.srgb import linear_to_srgb

MIDDLE_GREY = 0.18
BRIGHT_SHARE, BRIGHT_LEVEL = 0.97, 1.1
"""Where three per cent of a frame would clip, the exposure is lowered until they just do."""


def exposure_gain(light: npt.NDArray[np.float32], rng: np.random.Generator) -> float:
    """A factor that brings the middle of a frame to grey, half a stop up or down at random."""
    luminance = light.mean(axis=2)
    middle = float(np.exp(np.log(np.maximum(luminance, 1e-4)).mean()))
    bright = float(np.quantile(luminance, BRIGHT_SHARE))
    gain = min(
        MIDDLE_GREY / middle, max(BRIGHT_LEVEL / max(bright, 1e-4), 0.3 * MIDDLE_GREY / middle)
    )
    return gain * float(2.0 ** rng.uniform(-0.5, 0.5))


def to_eight_bits(light: Any, gain: float = 1.0) -> npt.NDArray[np.uint8]:
    """sRGB levels of linear light, any shape; what is brighter than white clips."""
    tensor = torch.as_tensor(np.asarray(light, dtype=np.float32) * np.float32(gain))
    return torch.round(linear_to_srgb(tensor) * 255.0).to(torch.uint8).numpy()
