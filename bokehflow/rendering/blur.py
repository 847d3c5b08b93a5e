"""The blur itself: layers of like radius, filled where hidden, blurred, put back near to far."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bokehflow.rendering.aperture import level_kernel
from bokehflow.rendering.bank import BankLayer
from bokehflow.rendering.bins import SoftBins
from bokehflow.rendering.composite import Composite
from bokehflow.rendering.fill import push_pull_levels
from bokehflow.rendering.unmix import unmix

FINEST_FILL_LEVEL = 1
"""A fill is smooth: layers at full resolution take theirs from half resolution."""


class LensBlur(nn.Module):
    """Depth-of-field blur of linear light by a radius map, for one bank and aperture.

    Differentiable in the light and the radius; every constant is a buffer.
    """

    def __init__(
        self, bank: Sequence[BankLayer], channels: int, blades: int, rotation_deg: float
    ) -> None:
        super().__init__()
        self.bank = tuple(bank)
        self.coarsest_cell_px = 2 ** max(FINEST_FILL_LEVEL, *(layer.level for layer in bank))
        for index, layer in enumerate(bank):
            kernel = level_kernel(layer.radius_px, layer.level, blades, rotation_deg)
            weight = kernel.to(torch.float32).expand(channels + 1, 1, *kernel.shape).contiguous()
            self.register_buffer(f"kernel_{index}", weight, persistent=False)

    def forward(self, light: Tensor, radius_px: Tensor) -> Tensor:
        """The blurred light [B, C, H, W]; light [B, C, H, W] linear, radius_px [B, 1, H, W]."""
        height, width = light.shape[2:]
        surfaces = unmix(self._padded(light), self._padded(radius_px))
        bins = SoftBins(surfaces, [layer.radius_px for layer in self.bank])
        fills = self._fills(bins)
        nearest = len(self.bank) - 1
        composite = Composite(self._blurred(nearest, bins, fills.get(nearest)))
        for index in range(nearest - 1, -1, -1):
            composite.add_behind(self._blurred(index, bins, fills.get(index)))
        return _cropped(composite.colour(), height, width)

    def _fills(self, bins: SoftBins) -> dict[int, tuple[Tensor, Tensor]]:
        """For each layer that can be hidden its content, and its content behind what hides it, on
        the fill's grid."""
        layers: dict[int, list[int]] = {}
        for index, layer in enumerate(self.bank):
            if bins.can_be_hidden(index):
                layers.setdefault(_fill_level(layer), []).append(index)
        # Stacked along the batch axis, one fill serves all layers of a level; and one pyramid
        # serves all levels, each joining where its own grid is reached.
        seen = {
            level: torch.cat([_seen(bins, index, level) for index in layers[level]])
            for level in sorted(layers)
        }
        fills: dict[int, tuple[Tensor, Tensor]] = {}
        for level, behind in push_pull_levels(seen).items():
            count = len(layers[level])
            own = torch.chunk(seen[level][:, :-1], count)
            parts = zip(own, torch.chunk(behind, count), strict=True)
            fills.update(zip(layers[level], parts, strict=True))
        return fills

    def _blurred(self, index: int, bins: SoftBins, fill: tuple[Tensor, Tensor] | None) -> Tensor:
        """One layer [B, C+1, H, W] at full size: filled where hidden, then blurred."""
        layer = self.bank[index]
        cell = 2**layer.level
        kernel = self.get_buffer(f"kernel_{index}")
        if fill is None:
            own = _pooled(bins.layer(index), cell)
        else:
            own, behind = fill
            if layer.level < FINEST_FILL_LEVEL:
                own = bins.layer(index)
                behind = _upsampled(behind, 2 ** _fill_level(layer) // cell)
            own = own + _pooled(bins.hidden(index), cell) * behind
        return _upsampled(_convolved(own, kernel), cell)

    def _padded(self, x: Tensor) -> Tensor:
        """Repeat the last row and column up to a whole number of the coarsest cells."""
        down, right = (-size % self.coarsest_cell_px for size in x.shape[2:])
        return F.pad(x, (0, right, 0, down), mode="replicate") if down or right else x


def _fill_level(layer: BankLayer) -> int:
    return max(layer.level, FINEST_FILL_LEVEL)


def _seen(bins: SoftBins, index: int, level: int) -> Tensor:
    """What lies in a layer, and where it or what is behind it is visible, on a level's grid."""
    parts = (bins.layer(index), bins.visible(index))
    return torch.cat([_pooled(part, 2**level) for part in parts], 1)


def _pooled(x: Tensor, cell: int) -> Tensor:
    return F.avg_pool2d(x, cell) if cell > 1 else x


def _convolved(x: Tensor, kernel: Tensor) -> Tensor:
    half = kernel.shape[-1] // 2
    if half == 0:
        return x
    return F.conv2d(F.pad(x, (half,) * 4, mode="replicate"), kernel, groups=x.shape[1])


def _upsampled(x: Tensor, factor: int) -> Tensor:
    if factor == 1:
        return x
    return F.interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=False)


def _cropped(x: Tensor, height: int, width: int) -> Tensor:
    # A slice that keeps everything would leave a node behind that not every converter knows.
    return x if x.shape[2:] == (height, width) else x[:, :, :height, :width]
