"""The network as it is exported: both streams' blocks run side by side, in one set of nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from bokehflow.export.lowering.blocks import LoweredBlock
from bokehflow.export.lowering.heads import LoweredHead
from bokehflow.export.lowering.map_block import MapBlock
from bokehflow.export.lowering.maps import constant
from bokehflow.export.lowering.refinement import LoweredRefinement
from bokehflow.export.lowering.segments import require_one_pass
from bokehflow.layers.bigdr import BiGDRBlock
from bokehflow.layers.conditioning import FilmModulation
from bokehflow.layers.gates import GateFloors
from bokehflow.layers.temporal import State, state_shapes
from bokehflow.network import FUSION_EVERY, Network
from bokehflow.scan import DIRECTIONS

BuildBlock = Callable[[Sequence[BiGDRBlock]], LoweredBlock | MapBlock]


class LoweredNetwork(Network):
    """`Network` for a batch of one, with the depth and the bokeh block of each layer as one.

    Between two fusions neither stream reads the other, so they may run together: half the nodes,
    and twice the sequences for a scan to share among threads.
    """

    def __init__(self, network: Network, build_block: BuildBlock) -> None:
        """build_block: makes one of some blocks, side by side in the order given.

        Raises UsageError as `require_one_pass`.
        """
        require_one_pass(network.temporal)
        super().__init__(network.variant, temporal=network.temporal)
        self.load_state_dict(network.state_dict())
        blocks = [cast(BiGDRBlock, block) for block in (*self.depth_blocks, *self.bokeh_blocks)]
        pairs = zip(blocks[: self.variant.blocks], blocks[self.variant.blocks :], strict=True)
        self.blocks = nn.ModuleList(build_block(pair) for pair in pairs)
        del self.depth_blocks, self.bokeh_blocks
        self.modulation = _Modulation([cast(FilmModulation, film) for film in self.film])
        self.floors = _Floors(self.depth_floors, self.bokeh_floors)
        del self.film, self.depth_floors, self.bokeh_floors
        self.depth_head = LoweredHead(self.depth_head)
        self.bokeh_head = LoweredHead(self.bokeh_head)
        self.refine = LoweredRefinement(self.refine)
        self._groups = cast(LoweredBlock | MapBlock, self.blocks[0]).groups

    def _starts(self, state: State, pooled: Tensor) -> list[Tensor]:
        """A start [S x D x n, H, d, d] for every group of directions of every pair of blocks."""
        groups, streams, size = self._groups, 2, self.variant.head_size
        cut = self.temporal.is_segmented
        starts = self._segment_starts(state) if cut else self._whole_starts(state, pooled)
        by_group = starts.reshape(streams, self.variant.blocks, groups, -1).permute(1, 2, 0, 3)
        sequences = by_group.reshape(-1, self.variant.heads, size, size)
        together = streams * len(DIRECTIONS) * self.temporal.segments // groups
        return list(torch.split(sequences, together))

    def _segment_starts(self, state: State) -> Tensor:
        """Start states of scans cut into n segments, [2 x blocks, 4, n, H x d x d]: what the
        segment before ended in one frame ago, and the learned state for the first."""
        blocks, segments = 2 * self.variant.blocks, self.temporal.segments
        slots = state.scan.reshape(blocks, segments, len(DIRECTIONS), -1)
        learned = self.propagate.initial.flatten(1)[:, None, None].expand_as(slots[:, :1])
        return torch.cat([learned, slots[:, 1:]], dim=1).transpose(1, 2)

    def _final_states(self, finals: Sequence[Tensor]) -> Tensor:
        """The way back: [1, 2 x blocks, n x 4 x H, d, d], the depth blocks' first."""
        groups, streams = self._groups, 2
        # All at once: OpenVINO keeps a scan's whole output where its state alone is reshaped.
        by_group = torch.cat(list(finals)).reshape(self.variant.blocks, groups, streams, -1)
        shape = state_shapes(self.variant, segments=self.temporal.segments)["scan"]
        by_block = by_group.permute(2, 0, 1, 3)
        if not self.temporal.is_segmented:
            return by_block.reshape(shape)
        ends = by_block.reshape(shape[1], len(DIRECTIONS), self.temporal.segments, -1)
        # What a segment ended in is for the one after it.
        slots = torch.cat([ends[:, :, -1:], ends[:, :, :-1]], dim=2)
        return slots.transpose(1, 2).reshape(shape)

    def _encode(
        self, tokens: Tensor, lens: Tensor, starts: Sequence[Tensor], height: int, width: int
    ) -> tuple[list[Tensor], list[Tensor], Tensor, Tensor]:
        """As `Network._encode`; tokens: [1, T, C]; starts: of `_starts`."""
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
            own = starts[i * self._groups : (i + 1) * self._groups]
            both, ends = block(both, rooms[in_level], own, height, width)
            finals += ends
            if in_level == FUSION_EVERY - 1:
                depth, bokeh = self.fusions[level](*torch.split(both, 1))
                coarse, radius, coc_mean = self._look(depth, lens, height, width)
                bokeh = self.coc_conditions[level](bokeh, radius)
                both = torch.cat([depth, bokeh])
                levels.append((depth, bokeh))
        depths, bokehs = ([pair[stream] for pair in levels] for stream in range(2))
        return depths, bokehs, coarse, self._final_states(finals)


class _Modulation(nn.Module):
    """Scale and shift of every pair of blocks: 1 and 0 for depth, `FilmModulation` for bokeh.

    shape: of one of them, as it goes with tokens.
    """

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
        self.blocks = len(films)
        self.shape: tuple[int, ...] = (1, bias.shape[-1])
        self.read = nn.Linear(weight.shape[-1], bias.numel())
        self.read.weight = constant(weight.flatten(0, 3))
        self.read.bias = constant(bias.flatten())

    def forward(self, aperture: Tensor) -> list[tuple[Tensor, Tensor]]:
        """aperture: [1, C]. Returns a scale and a shift [2, *shape] for every pair of blocks."""
        read = self.read(aperture).reshape(self.blocks * 2 * 2, *self.shape)
        parts = torch.split(read, 2)
        return list(zip(parts[::2], parts[1::2], strict=True))


class _Floors(nn.Module):
    """1 - alpha_min of both streams' blocks, their levels computed once and for all."""

    def __init__(self, depth: GateFloors, bokeh: GateFloors) -> None:
        super().__init__()
        levels = torch.stack([depth.levels(), bokeh.levels()], dim=1).detach().flatten()
        gains = torch.stack([depth.coc_gain, bokeh.coc_gain]).detach()
        self.register_buffer("levels", -levels[:, None, None, None])
        self.register_buffer("gains", -gains.repeat(len(levels) // 2)[:, None, None, None])
        self.levels: Tensor
        self.gains: Tensor

    def forward(self, first: int, count: int, coc_mean: Tensor) -> tuple[Tensor, ...]:
        """The rooms [2, 1, 1, 1] of `count` blocks from `first` on; coc_mean: [1, 1]."""
        pairs = slice(2 * first, 2 * (first + count))
        rooms = torch.sigmoid(self.levels[pairs] + self.gains[pairs] * coc_mean)
        return tuple(torch.split(rooms, 2))
