"""Pictures of a report, inside the page itself: small, as WebP in data addresses."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field

import matplotlib
import numpy as np
import numpy.typing as npt
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from bokehflow.media.levels import to_uint8

WIDTH_PX = 640
QUALITY = 82
HEAT_MAP = "inferno"
FILM_HEAT_LEVELS, TRUTH_HEAT_LEVELS = 8, 64
"""Brightest of a heat map, in 8-bit levels: 8 is three times the mean error at 40 dB."""
SHARP, TRUTH = "the frame itself", "truth"

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Item:
    """One picture of a scene. heat: how far it is from the scene's measure, None for itself."""

    label: str
    picture: str
    heat: str | None


@dataclass
class Scene:
    """One frame as everything made it. caption: what and through which lens.

    measure: [1, 3, H, W], what heat maps are taken against; against: its name.
    """

    caption: str
    against: str
    measure: Tensor
    heat_levels: int
    items: list[Item] = field(default_factory=list)

    def add(self, label: str, picture: Tensor) -> None:
        """A picture [1, 3, H, W], sRGB 0..1, and its heat map."""
        same = picture is self.measure
        heat = None if same else data_address(heat_map(picture, self.measure, self.heat_levels))
        self.items.append(Item(label, data_address(_shown(picture)), heat))


def heat_map(test: Tensor, measure: Tensor, levels: int) -> Pixels:
    """Mean absolute difference over the colours as a colour, [h, w, 3]; `levels` is the brightest.

    Taken at full size and then made smaller, so that the mean of what is seen is the mean error.
    """
    error = (test - measure).abs().mean(1, keepdim=True) * (255.0 / levels)
    colours = matplotlib.colormaps[HEAT_MAP](_small(error)[0, 0].clamp(0.0, 1.0).numpy())
    pixels: Pixels = np.rint(colours[..., :3] * 255.0).astype(np.uint8)
    return pixels


def data_address(pixels: Pixels) -> str:
    """A picture [h, w, 3] as an address that holds it."""
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, format="WEBP", quality=QUALITY)
    return "data:image/webp;base64," + base64.b64encode(target.getvalue()).decode("ascii")


def _shown(picture: Tensor) -> Pixels:
    return np.asarray(to_uint8(_small(picture)))


def _small(picture: Tensor) -> Tensor:
    height, width = picture.shape[2:]
    if width <= WIDTH_PX:
        return picture
    size = (max(1, round(height * WIDTH_PX / width)), WIDTH_PX)
    return F.interpolate(picture, size, mode="bilinear", antialias=True)
