"""Display P3, the wide gamut of phones, in sRGB."""

from __future__ import annotations

import torch
from torch import Tensor

from bokehflow.srgb import linear_to_srgb, srgb_to_linear

DISPLAY_P3 = 12
"""Its primaries, by their number in ITU-T H.273."""
_BT709_FROM_DISPLAY_P3 = (
    (1.224940, -0.224940, 0.0),
    (-0.042057, 1.042057, 0.0),
    (-0.019638, -0.078636, 1.098274),
)


def display_p3_to_srgb(image: Tensor) -> Tensor:
    """[1, 3, H, W], both in 0..1; what sRGB cannot show is clipped.

    Source: SMPTE EG 432-1 (primaries); their white is BT.709's.
    """
    matrix = torch.tensor(_BT709_FROM_DISPLAY_P3, dtype=image.dtype)
    return linear_to_srgb(torch.einsum("ij,bjhw->bihw", matrix, srgb_to_linear(image)))
