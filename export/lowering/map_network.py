"""The network for accelerators: all of `LoweredNetwork` on maps, channels first."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce
from operator import add
from typing import cast

import torch
from torch import Tensor, nn

from bokehflow.export.lowering import weights
from bokehflow.export.lowering.heads import LoweredHead
from bokehflow.export.lowering.map_block import MapBlock
from bokehflow.export.lowering.map_mixer import MapScan
from bokehflow.export.lowering.maps import PointwiseConv, channel_norm
from bokehflow.export.lowering.network import LoweredNetwork
from bokehflow.layers.conditioning import CocCondition
from bokehflow.layers.fusion import CrossStreamFusion
from bokehflow.layers.heads import CoarseDepthHead, to_inverse_depth
from bokehflow.network import Network


class MapNetwork(LoweredNetwork):
    """What its base calls tokens [S, T, C] are maps [S, C, H, W] here, and linear layers 1x1
    convolutions."""

    def __init__(self, network: Network, scan: MapScan) -> None:
        """Raises UsageError as `LoweredNetwork`."""
        segments = network.temporal.segments
        super().__init__(network, partial(MapBlock, scan=scan, segments=segments))
        self.modulation.shape = (self.variant.channels, 1, 1)
        self.fusions = nn.ModuleList(
            _Fusion(cast(CrossStreamFusion, each)) for each in self.fusions
        )
        self.coc_conditions = nn.ModuleList(
            _Condition(cast(CocCondition, each)) for each in self.coc_conditions
        )
        self.coarse = _CoarseHead(self.coarse)
        self.depth_head, self.bokeh_head = (
            _Head(cast(LoweredHead, each)) for each in (self.depth_head, self.bokeh_head)
        )

    def _tokens(self, stem: Tensor) -> tuple[Tensor, Tensor]:
        return stem, stem.mean(dim=(2, 3))


class _Fusion(nn.Module):
    """`layers.fusion.CrossStreamFusion`."""

    def __init__(self, fusion: CrossStreamFusion) -> None:
        super().__init__()
        self.to_depth, self.to_bokeh = (
            PointwiseConv(*weights.after_norm([fusion.norm], [layer]))
            for layer in (fusion.to_depth, fusion.to_bokeh)
        )

    def forward(self, depth: Tensor, bokeh: Tensor) -> tuple[Tensor, Tensor]:
        """depth, bokeh: [1, C, H, W]. Same shapes back."""
        both = channel_norm(torch.cat([depth, bokeh], dim=1))
        return depth + self.to_depth(both), bokeh + self.to_bokeh(both)


class _Condition(nn.Module):
    """`layers.conditioning.CocCondition`."""

    def __init__(self, condition: CocCondition) -> None:
        super().__init__()
        self.read = condition.read

    def forward(self, bokeh: Tensor, radius_px: Tensor) -> Tensor:
        """bokeh: [1, C, H, W]; radius_px: [1, 1, H, W]. Shape of bokeh."""
        conditioned: Tensor = bokeh + self.read(radius_px)
        return conditioned


class _CoarseHead(CoarseDepthHead):
    """`layers.heads.CoarseDepthHead`."""

    def __init__(self, head: CoarseDepthHead) -> None:
        nn.Module.__init__(self)
        self.read_map = PointwiseConv(*weights.after_norm([head.norm], [head.read]))

    def forward(self, tokens: Tensor, _height: int, _width: int) -> Tensor:
        """tokens: [1, C, H, W]. Returns 1/m, [1, 1, H, W]."""
        return to_inverse_depth(self.read_map(channel_norm(tokens)))


class _Head(LoweredHead):
    """The same, its linear layers as convolutions."""

    def __init__(self, head: LoweredHead) -> None:
        nn.Module.__init__(self)
        for name, layer in head.named_children():
            self.add_module(name, layer)
        self.project = nn.ModuleList(
            PointwiseConv(layer.weight.T, layer.bias)
            for layer in (cast(nn.Linear, each) for each in head.project)
        )

    def at_tokens(self, levels: Sequence[Tensor], _height: int, _width: int) -> Tensor:
        """levels: [1, C, H, W]. Returns [1, head channels, H, W]."""
        projected = [layer(level) for layer, level in zip(self.project, levels, strict=True)]
        together: Tensor = reduce(add, projected)
        return together
