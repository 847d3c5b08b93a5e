"""The network as it is exported: both streams' blocks run side by side, in one set of nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from bokehflow.errors import UsageError
from bokehflow.export.lowering.blocks import LoweredBlock
from bokehflow.export.lowering.mixers import LoweredMixer
from bokehflow.layers.bigdr import BiGDRBlock, Start
from bokehflow.layers.conditioning import FilmModulation
from bokehflow.layers.gates import GateFloors
from bokehflow.network import FUSION_EVERY, Network

BuildMixer = Callable[[Sequence[BiGDRBlock]], LoweredMixer]


class LoweredNetwork(Network):
    """`Network` for a batch of one, with the depth and the bokeh block of each layer as one.

    Between two fusions neither stream reads the other, so they may run together: half the nodes,
    and twice the sequences for a scan to share among threads.
    """

    def __init__(self, network: Network, build_mixer: BuildMixer) -> None:
        """build_mixer: makes the mixer of some blocks, side by side in the order given.

        Raises UsageError for a network whose scans are cut into segments.
        """
        if network.temporal.is_segmented:
            raise UsageError("exporting a model with segment states", "one with whole scans")
        super().__init__(network.variant, temporal=network.temporal)
        self.load_state_dict(network.state_dict())
        blocks = [cast(BiGDRBlock, block) for block in (*self.depth_blocks, *self.bokeh_blocks)]
        pairs = zip(blocks[: self.variant.blocks], blocks[self.variant.blocks :], strict=True)
        self.blocks = nn.ModuleList(LoweredBlock(pair, build_mixer(pair)) for pair in pairs)
        del self.depth_blocks, self.bokeh_blocks
        self.modulation = _Modulation([cast(FilmModulation, film) for film in self.film])
        self.floors = _Floors(self.depth_floors, self.bokeh_floors)
        del self.film, self.depth_floors, self.bokeh_floors

    def _encode(
        self, tokens: Tensor, lens: Tensor, starts: Sequence[Start], height: int, width: int
    ) -> tuple[list[Tensor], list[Tensor], Tensor, Tensor]:
        """As `Network._encode`; tokens: [1, T, C]."""
        variant = self.variant
        whole = [cast(Tensor, start) for start in starts]
        modulation = self.modulation(self.aperture(lens))
        both = torch.cat([tokens, tokens])
        levels: list[tuple[Tensor, Tensor]] = []
        finals: list[Tensor] = []
        coarse, radius, coc_mean = self._look(tokens, lens, height, width)
        for i, block in enumerate(self.blocks):
            level, in_level = divmod(i, FUSION_EVERY)
            if in_level == 0:
                rooms = self.floors(i, FUSION_EVERY, coc_mean)
            scale, shift = modulation[i]
            both = both * scale + shift
            start = torch.cat([whole[i], whole[variant.blocks + i]])
            both, final = block(both, rooms[in_level], start, height, width)
            finals.append(final.flatten(1, 2)[:, None])
            if in_level == FUSION_EVERY - 1:
                depth, bokeh = self.fusions[level](*torch.split(both, 1))
                coarse, radius, coc_mean = self._look(depth, lens, height, width)
                bokeh = self.coc_conditions[level](bokeh, radius)
                both = torch.cat([depth, bokeh])
                levels.append((depth, bokeh))
        finals_by_block = torch.cat(finals, dim=1).flatten(0, 1)[None]
        return [d for d, _ in levels], [b for _, b in levels], coarse, finals_by_block


class _Modulation(nn.Module):
    """Scale and shift of every pair of blocks: 1 and 0 for depth, `FilmModulation` for bokeh."""

    def __init__(self, films: Sequence[FilmModulation]) -> None:
        super().__init__()
        weight = torch.stack(
            [film.read.weight.reshape(2, 1, -1, film.read.in_features) for film in films]
        )
        bias = torch.stack([film.read.bias.reshape(2, 1, -1) for film in films])
        bias = bias + torch.tensor([1.0, 0.0])[:, None, None]
        depth_bias = torch.zeros_like(bias) + torch.tensor([1.0, 0.0])[:, None, None]
        weight = torch.cat([torch.zeros_like(weight), weight], dim=2)
        bias = torch.cat([depth_bias, bias], dim=2)
        self.blocks, self.channels = len(films), bias.shape[-1]
        self.read = nn.Linear(weight.shape[-1], bias.numel())
        self.read.weight = nn.Parameter(weight.detach().flatten(0, 3), requires_grad=False)
        self.read.bias = nn.Parameter(bias.detach().flatten(), requires_grad=False)

    def forward(self, aperture: Tensor) -> list[tuple[Tensor, Tensor]]:
        """aperture: [1, C]. Returns a scale and a shift [2, 1, C] for every pair of blocks."""
        read = self.read(aperture).reshape(self.blocks * 2, 2, 1, self.channels)
        parts = torch.split(read, 1)
        squeezed = [part.reshape(2, 1, self.channels) for part in parts]
        return list(zip(squeezed[::2], squeezed[1::2], strict=True))


class _Floors(nn.Module):
    """1 - alpha_min of both streams' blocks, their levels computed once and for all."""

    def __init__(self, depth: GateFloors, bokeh: GateFloors) -> None:
        super().__init__()
        levels = torch.stack([depth.levels(), bokeh.levels()], dim=1)
        gains = torch.stack([depth.coc_gain, bokeh.coc_gain])
        self.register_buffer("levels", -levels.detach()[:, :, None, None, None])
        self.register_buffer("gains", -gains.detach()[:, None, None, None])
        self.levels: Tensor
        self.gains: Tensor

    def forward(self, first: int, count: int, coc_mean: Tensor) -> tuple[Tensor, ...]:
        """The rooms [2, 1, 1, 1] of `count` blocks from `first` on; coc_mean: [1, 1]."""
        levels = self.levels[first : first + count]
        return torch.sigmoid(levels + self.gains * coc_mean).unbind(0)
