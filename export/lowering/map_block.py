"""The blocks of several streams as one, on maps [S, C, H, W]."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from bokehflow.export.lowering.map_mixer import MapMixer, MapScan
from bokehflow.export.lowering.maps import LocalMaps
from bokehflow.layers.bigdr import BiGDRBlock


class MapBlock(nn.Module):
    """`blocks.LoweredBlock`, channels first."""

    groups = 1

    def __init__(self, blocks: Sequence[BiGDRBlock], scan: MapScan, segments: int) -> None:
        super().__init__()
        self.scan = MapMixer(blocks, scan, segments)
        self.local = LocalMaps(blocks)

    def forward(
        self, x: Tensor, room: Tensor, starts: Sequence[Tensor], _height: int, _width: int
    ) -> tuple[Tensor, list[Tensor]]:
        """x: [S, C, H, W]; room: [S, 1, 1, 1], 1 - alpha_min; starts: the mixer's. Returns x and
        the final state."""
        mixed, final = self.scan(x, room, starts[0])
        x = x + mixed
        return x + self.local(x), [final]
