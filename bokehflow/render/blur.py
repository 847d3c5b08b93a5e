"""The blur itself: layers of like radius, filled where hidden, blurred, put back near to far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bokehflow.render.aperture import level_kernel
from bokehflow.render.bank import BankLayer
from bokehflow.render.bins import SoftBins
from bokehflow.render.composite import Composite
from bokehflow.render.fill import push_pull

FINEST_FILL_LEVEL = 1
"""Fill is smooth: layers at full resolution take theirs from half resolution."""


class LensBlur(nn.Module):
    """Depth-of-field blur of linear light by a radius map, for one bank and aperture.

    Differentiable in the picture and the radius; every constant is a buffer.
    """

    def __init__(
        self, bank: Sequence[BankLayer], channels: int, blades: int, rotation_deg: float
    ) -> None:
        super().__init__()
        self.bank = tuple(bank)
        self.granularity = 2 ** max(FINEST_FILL_LEVEL, *(layer.level for layer in bank))
        for index, layer in enumerate(bank):
            kernel = level_kernel(layer.radius_px, layer.level, blades, rotation_deg)
            weight = kernel.to(torch.float32).expand(channels + 1, 1, *kernel.shape).contiguous()
            self.register_buffer(f"kernel_{index}", weight, persistent=False)

    def forward(self, light: Tensor, radius_px: Tensor) -> Tensor:
        """The blurred light [B, C, H, W]; light [B, C, H, W] linear, radius_px [B, 1, H, W]."""
        height, width = light.shape[2:]
        light = self._padded(light)
        bins = SoftBins(self._padded(radius_px), [layer.radius_px for layer in self.bank])
        composite: Composite | None = None
        order = range(len(self.bank) - 1, -1, -1)
        for level, run in groupby(order, key=lambda index: self.bank[index].level):
            for index, layer in self._completed(light, bins, list(run), level):
                blurred = _convolve(layer, self.get_buffer(f"kernel_{index}"))
                full = _upsample(blurred, 2**level)
                if composite is None:
                    composite = Composite(full)
                else:
                    composite.add_behind(full)
        assert composite is not None
        return _cropped(composite.colour(), height, width)

    def _completed(
        self, light: Tensor, bins: SoftBins, layers: list[int], level: int
    ) -> Iterator[tuple[int, Tensor]]:
        """Each layer of one level with its hidden part filled in, [B, C+1, h, w] at that level."""
        coarse = max(level, FINEST_FILL_LEVEL)
        # Layers are stacked along the batch axis: one fill serves them all.
        pooled = [_pool(_coloured(light, bins.inside(k)), 2**coarse) for k in layers]
        visible = torch.cat([_pool(bins.visible(k), 2**coarse) for k in layers])
        fill = push_pull(torch.cat(pooled) * visible, visible)
        for k, own, behind in zip(layers, pooled, fill.chunk(len(layers)), strict=True):
            hidden = bins.hidden(k)
            if level < coarse:
                own, behind = _coloured(light, bins.inside(k)), _upsample(behind, 2)
            else:
                hidden = _pool(hidden, 2**level)
            yield k, own + hidden * behind

    def _padded(self, x: Tensor) -> Tensor:
        """Repeat the last row and column up to a whole number of the coarsest cells."""
        down, right = (-size % self.granularity for size in x.shape[2:])
        return F.pad(x, (0, right, 0, down), mode="replicate") if down or right else x


def _coloured(light: Tensor, share: Tensor) -> Tensor:
    """The premultiplied layer [B, C+1, H, W]: light times share, and the share as its coverage."""
    return torch.cat([light * share, share], 1)


def _cropped(x: Tensor, height: int, width: int) -> Tensor:
    # A slice that keeps everything would leave a node behind that not every converter knows.
    return x if x.shape[2:] == (height, width) else x[:, :, :height, :width]


def _pool(x: Tensor, size: int) -> Tensor:
    return F.avg_pool2d(x, size)


def _upsample(x: Tensor, factor: int) -> Tensor:
    if factor == 1:
        return x
    return F.interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=False)


def _convolve(x: Tensor, kernel: Tensor) -> Tensor:
    half = kernel.shape[-1] // 2
    if half == 0:
        return x
    return F.conv2d(F.pad(x, (half,) * 4, mode="replicate"), kernel, groups=x.shape[1])
