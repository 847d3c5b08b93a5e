"""The blur itself: layers of like radius, filled where hidden, blurred, put back near to far."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bokehflow.rendering.bank import COARSEST_CELL_PX, COMPOSITE_LEVEL, BankLayer
from bokehflow.rendering.bins import SoftBins
from bokehflow.rendering.cells import cropped, enlarged, padded_to_cells
from bokehflow.rendering.coarser import Coarser
from bokehflow.rendering.composite import Composite
from bokehflow.rendering.contents import Contents
from bokehflow.rendering.fill import Seen, Top, push_pull_levels
from bokehflow.rendering.packs import pack_kernel, packs_of
from bokehflow.rendering.unmix import SURFACES, unmix


class LensBlur(nn.Module):
    """Depth-of-field blur of linear light by a radius map, for one bank and aperture.

    Differentiable in the light and the radius; every constant is a buffer.
    """

    def __init__(
        self, bank: Sequence[BankLayer], channels: int, blades: int, rotation_deg: float
    ) -> None:
        super().__init__()
        self.bank = tuple(bank)
        self.packs = packs_of(self.bank)
        # Nothing hides the nearest two.
        hidden = range(len(self.bank) - 2)
        levels = sorted({self.bank[index].fill_level for index in hidden})
        self.hideable = {
            level: [index for index in hidden if self.bank[index].fill_level == level]
            for level in levels
        }
        self.coarser = Coarser((SURFACES, channels + 1))
        for number, pack in enumerate(self.packs):
            layers = [self.bank[index] for index in pack]
            kernel = pack_kernel(layers, channels + 1, blades, rotation_deg)
            self.register_buffer(f"kernel_{number}", kernel, persistent=False)

    def forward(self, light: Tensor, radius_px: Tensor) -> Tensor:
        """The blurred light [B, C, H, W]; light [B, C, H, W] linear, radius_px [B, 1, H, W]."""
        height, width = light.shape[2:]
        light, radius_px = (padded_to_cells(x, COARSEST_CELL_PX) for x in (light, radius_px))
        return cropped(self.picture(self.contents(light, radius_px)), height, width)

    def contents(self, light: Tensor, radius_px: Tensor) -> Contents:
        """What lies in the layers of the bank; both of whole cells."""
        bins = SoftBins(unmix(light, radius_px), [layer.radius_px for layer in self.bank])
        return Contents(bins, len(self.bank), self.coarser)

    def seen(self, contents: Contents) -> dict[int, Seen]:
        """By fill level, what is seen of the layers that can be hidden."""
        return {level: contents.seen(some, level) for level, some in self.hideable.items()}

    def picture(self, contents: Contents, top: Top | None = None) -> Tensor:
        """The blurred light [B, C, H, W] of whole cells; top: how the pyramid of the fill ends,
        where that depends on more than these contents."""
        fills = self._fills(contents, top)
        blurred: dict[int, Tensor] = {}
        for number, pack in enumerate(self.packs):
            layers = [self._filled(index, contents, fills.get(index)) for index in pack]
            kernel = self.get_buffer(f"kernel_{number}")
            blurred.update(zip(pack, _convolved(layers, kernel), strict=True))
        return self._composed(blurred)

    def reach_px(self, radius_px: float) -> int:
        """How far, in px, the kernels of layers reach in which radii up to this one may lie."""
        radii = [abs(layer.radius_px) for layer in self.bank]
        last = min((radius for radius in radii if radius >= radius_px), default=math.inf)
        reach = 0
        for number, pack in enumerate(self.packs):
            if min(radii[index] for index in pack) <= last:
                half = self.get_buffer(f"kernel_{number}").shape[-1] // 2
                reach = max(reach, half * 2 ** self.bank[pack[0]].level)
        return reach

    def _composed(self, blurred: dict[int, Tensor]) -> Tensor:
        """The picture [B, C, H, W] of all layers, taken out of `blurred`.

        What is blurred most is put together at half resolution, before the rest and behind it.
        """
        near, sharp, far = (
            [
                enlarged(blurred.pop(i), 2 ** max(self.bank[i].level - COMPOSITE_LEVEL, 0))
                for i in group
            ]
            for group in self._near_to_far()
        )

        def enlarge(x: Tensor) -> Tensor:
            return enlarged(x, 2**COMPOSITE_LEVEL)

        def shrink(x: Tensor) -> Tensor:
            return F.avg_pool2d(x, 2**COMPOSITE_LEVEL)

        if near:
            composite = Composite.of(near).enlarged(enlarge).before(sharp)
        else:
            composite = Composite.of(sharp)
        if far:
            composite = composite.before_coarse(far, shrink, enlarge)
        return composite.colour()

    def _near_to_far(self) -> tuple[list[int], list[int], list[int]]:
        """The layers that are near and coarse, fine, and far and coarse; each from near to far."""
        order = [(i, self.bank[i]) for i in reversed(range(len(self.bank)))]
        coarse = [(i, layer) for i, layer in order if layer.level >= COMPOSITE_LEVEL]
        return (
            [i for i, layer in coarse if layer.radius_px > 0],
            [i for i, layer in order if layer.level < COMPOSITE_LEVEL],
            [i for i, layer in coarse if layer.radius_px < 0],
        )

    def _fills(self, contents: Contents, top: Top | None) -> dict[int, Tensor]:
        """For each layer that can be hidden what it shows there, on the grid of its fill."""
        # One fill serves all layers of a level; and one pyramid serves all levels, each joining
        # where its own grid is reached.
        fills: dict[int, Tensor] = {}
        for level, behind in push_pull_levels(self.seen(contents), top).items():
            count = len(self.hideable[level])
            side_by_side = behind.reshape(-1, count * behind.shape[1], *behind.shape[2:])
            fills.update(zip(self.hideable[level], side_by_side.chunk(count, 1), strict=True))
        return fills

    def _filled(self, index: int, contents: Contents, behind: Tensor | None) -> Tensor:
        """One layer's content [B, C+1, h, w] at its own level, filled where hidden."""
        layer = self.bank[index]
        own = contents.own(index, layer.level)
        if behind is None:
            return own
        behind = enlarged(behind, 2 ** (layer.fill_level - layer.level))
        return own + contents.hidden(index, layer.level) * behind


def _convolved(layers: Sequence[Tensor], kernel: Tensor) -> tuple[Tensor, ...]:
    """Layers [B, C+1, h, w] through the kernels of their pack."""
    half = kernel.shape[-1] // 2
    if half == 0:
        return tuple(layers)
    packed = F.pad(torch.cat(list(layers), 1), (half,) * 4, mode="replicate")
    blurred = F.conv2d(packed, kernel, groups=kernel.shape[0])
    return torch.chunk(blurred, len(layers), 1)
