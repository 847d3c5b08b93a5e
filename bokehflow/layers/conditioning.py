"""What the network is told about the lens: aperture embedding (ACFM) and the CoC map.

Source: founding document, section 3.5 (ACFM) and section 2 ("+ CoC condition").
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bokehflow.optics import blur_per_defocus_mm

FOCAL_LENGTH_MAX_MM = 200.0
F_NUMBER_MAX = 22.0
FOCUS_MAX_M = 10.0
HALF_PRECISION_MOST = 6e4
"""About the largest number that half precision holds."""


class ApertureEmbedding(nn.Module):
    """MLP(f / f_max, N / N_max, S1 / S1_max), each clamped to 0..1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Linear(3, channels)
        self.second = nn.Linear(channels, channels)
        limits = torch.tensor([FOCAL_LENGTH_MAX_MM, F_NUMBER_MAX, FOCUS_MAX_M])
        self.register_buffer("limits", limits, persistent=False)
        self.limits: Tensor

    def forward(self, lens: Tensor) -> Tensor:
        """lens: [B, 4] as `optics.LENS_FIELDS`. Returns [B, C]."""
        settings = torch.clamp(lens[:, :3] / self.limits, 0.0, 1.0)
        embedded: Tensor = self.second(F.gelu(self.first(settings)))
        return embedded


class FilmModulation(nn.Module):
    """x * (1 + scale) + shift, both read from the aperture embedding."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.read = nn.Linear(channels, 2 * channels)

    def forward(self, x: Tensor, aperture: Tensor) -> Tensor:
        """x: [B, T, C]; aperture: [B, C]. Same shape as x."""
        read: Tensor = self.read(aperture)
        scale, shift = torch.chunk(read[:, None], 2, dim=-1)
        return x * (1.0 + scale) + shift


class CocCondition(nn.Module):
    """Adds the signed CoC map to the bokeh tokens, through a 1x1 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.read = nn.Conv2d(1, channels, 1)

    def forward(self, bokeh: Tensor, radius_px: Tensor) -> Tensor:
        """bokeh: [B, T, C]; radius_px: [B, 1, H/4, W/4], in token pixels. Shape of bokeh."""
        condition: Tensor = self.read(radius_px)
        return bokeh + condition.flatten(2).transpose(1, 2)


def blur_radius_map(inverse_depth: Tensor, lens: Tensor, width_px: int) -> Tensor:
    """Signed blur radius in pixels of a map `width_px` wide, for a batch of lenses.

    inverse_depth: [B, 1, H, W], 1/m; lens: [B, 4] as `optics.LENS_FIELDS`. Same shape back, within
    the width: more blur than that looks no different.

    `optics.signed_radius_px` for maps in half precision: what depends on the lens alone, which
    exports compute in single precision, is bounded to what half precision holds. Only lenses that
    blur across the whole frame what is .02 mm out of focus at a metre reach the bound.
    """
    focal_mm, f_number, focus_m, sensor_mm = torch.chunk(lens[:, :, None, None], 4, dim=1)
    per_defocus = 0.5 * blur_per_defocus_mm(focal_mm, f_number, focus_m) / sensor_mm
    per_defocus = torch.clamp(per_defocus, max=HALF_PRECISION_MOST)
    focus = torch.clamp(1.0 / focus_m, max=HALF_PRECISION_MOST)
    widths = per_defocus * (inverse_depth - focus)
    return torch.clamp(widths, -1.0, 1.0) * width_px


def mean_blur_percent(radius_px: Tensor) -> Tensor:
    """CoC_mean: the frame's mean blur radius in percent of its width, [B, 1]."""
    # A sum of shares stays inside half precision, whatever it is summed in; one of pixels does not.
    widths = radius_px.abs() * (1.0 / radius_px.shape[-1])
    mean_widths: Tensor = widths.mean(dim=(2, 3))
    return mean_widths * 100.0
