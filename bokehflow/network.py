"""The learned part: a frame and a lens become inverse depth, a residual hint and the next state.

Everything here works at network size; the renderer and the way to and from frame size are in
`pipeline.py`. Source: founding document, section 2.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from bokehflow.layers.bigdr import BiGDRBlock
from bokehflow.layers.conditioning import (
    ApertureEmbedding,
    CocCondition,
    FilmModulation,
    blur_radius_map,
    mean_blur_percent,
)
from bokehflow.layers.fused import fuse_layers
from bokehflow.layers.fusion import CrossStreamFusion
from bokehflow.layers.gates import GateFloors
from bokehflow.layers.heads import (
    CoarseDepthHead,
    DenseHead,
    ResidualRefinement,
    to_inverse_depth,
)
from bokehflow.layers.segments import SegmentScan, TemporalConfig
from bokehflow.layers.stem import ConvStem
from bokehflow.layers.temporal import State, StatePropagation, first_state
from bokehflow.scan import DIRECTIONS, ScanConfig, build_projected_scan
from bokehflow.specs import Variant

FUSION_EVERY = 2
HINT_CHANNELS = 3


class NetworkOutput(NamedTuple):
    """inverse_depth: 1/m, [B, 1, H, W]; hint: [B, 3, H, W], for the residual refinement;
    coarse_inverse_depth: 1/m, [B, 1, H/4, W/4], supervised in training; next_state."""

    inverse_depth: Tensor
    hint: Tensor
    coarse_inverse_depth: Tensor
    next_state: State


class Network(nn.Module):
    """Two streams of BiGDR blocks over one stem, fused after every second block."""

    def __init__(
        self,
        variant: Variant,
        scan: ScanConfig | None = None,
        temporal: TemporalConfig | None = None,
    ) -> None:
        super().__init__()
        self.variant, self.temporal = variant, temporal or TemporalConfig()
        channels, blocks = variant.channels, variant.blocks
        scan = scan or ScanConfig()
        whole = build_projected_scan(scan)
        run_scan = SegmentScan(whole, self.temporal) if self.temporal.is_segmented else whole

        def stream() -> nn.ModuleList:
            return nn.ModuleList(
                BiGDRBlock(channels, variant.heads, run_scan) for _ in range(blocks)
            )

        fusions = blocks // FUSION_EVERY
        self.stem = ConvStem(channels)
        self.aperture = ApertureEmbedding(channels)
        self.propagate = StatePropagation(variant)
        self.depth_floors, self.bokeh_floors = GateFloors(blocks), GateFloors(blocks)
        self.depth_blocks, self.bokeh_blocks = stream(), stream()
        self.film = nn.ModuleList(FilmModulation(channels) for _ in range(blocks))
        self.fusions = nn.ModuleList(CrossStreamFusion(channels) for _ in range(fusions))
        self.coc_conditions = nn.ModuleList(CocCondition(channels) for _ in range(fusions))
        self.coarse = CoarseDepthHead(channels)
        self.depth_head = DenseHead(channels, variant.head_channels, fusions, 1)
        self.bokeh_head = DenseHead(channels, variant.head_channels, fusions, HINT_CHANNELS)
        self.refine = ResidualRefinement()
        if scan.fuses_layers:
            fuse_layers(self)

    def forward(self, frame: Tensor, lens: Tensor, state: State) -> NetworkOutput:
        """frame: [B, 3, H, W], sRGB 0..1, H and W multiples of 4; lens: [B, 4]; state: carried."""
        stem, half_size = self.stem(frame)
        height, width = stem.shape[-2:]
        tokens, pooled = self._tokens(stem)
        starts = self._starts(state, pooled)
        depth_levels, bokeh_levels, coarse, finals = self._encode(
            tokens, lens, starts, height, width
        )
        next_state = State(finals, pooled, torch.clamp(state.valid + 1.0, max=1.0))
        return NetworkOutput(
            to_inverse_depth(self.depth_head(depth_levels, half_size), self.training),
            self.bokeh_head(bokeh_levels, half_size),
            coarse,
            next_state,
        )

    def first_state(self, batch: int = 1) -> State:
        """The state before the first frame, and after a cut."""
        return first_state(self.variant, batch, self.temporal.segments)

    def _tokens(self, stem: Tensor) -> tuple[Tensor, Tensor]:
        """The stem's map as `_encode` takes it, [B, T, C], and its mean token [B, C]."""
        # Laid out as they are read: a view would hand its order on to everything added to it.
        tokens = stem.flatten(2).transpose(1, 2).contiguous()
        return tokens, tokens.mean(dim=1)

    def _starts(self, state: State, pooled: Tensor) -> Any:
        """What `_encode` takes as starts: a `bigdr.Start` a block, the depth blocks' first.

        Their type is between the two alone: a lowered network hands on one tensor instead.
        """
        variant = self.variant
        if self.temporal.is_segmented:
            return self.propagate.segment_starts(state, pooled, self.temporal.segments)
        by_direction = (len(DIRECTIONS), variant.heads, variant.head_size, variant.head_size)
        starts = self._whole_starts(state, pooled).unbind(1)
        return [start.reshape(-1, *by_direction) for start in starts]

    def _whole_starts(self, state: State, pooled: Tensor) -> Tensor:
        """Start states of scans that are not cut, [B, 2 x blocks, 4 x H, d, d]."""
        if self.temporal.tsp == "off":
            return self.propagate.learned(state)
        starts: Tensor = self.propagate(state, pooled)
        return starts

    def _encode(
        self, tokens: Tensor, lens: Tensor, starts: Any, height: int, width: int
    ) -> tuple[list[Tensor], list[Tensor], Tensor, Tensor]:
        """Both streams. Returns their tokens after every fusion, the coarse inverse depth, and
        the final states [B, blocks, n x 4 x H, d, d], the depth blocks' followed by the bokeh's."""
        variant = self.variant
        aperture = self.aperture(lens)
        depth = bokeh = tokens
        depth_levels: list[Tensor] = []
        bokeh_levels: list[Tensor] = []
        depth_finals: list[Tensor] = []
        bokeh_finals: list[Tensor] = []
        coarse, radius, coc_mean = self._look(tokens, lens, height, width)
        for i in range(variant.blocks):
            room = self.depth_floors(i, coc_mean)
            depth, final = self.depth_blocks[i](depth, room, starts[i], height, width)
            depth_finals.append(final.flatten(1, final.ndim - 3))
            room, start = self.bokeh_floors(i, coc_mean), starts[variant.blocks + i]
            bokeh = self.film[i](bokeh, aperture)
            bokeh, final = self.bokeh_blocks[i](bokeh, room, start, height, width)
            bokeh_finals.append(final.flatten(1, final.ndim - 3))
            level, left_over = divmod(i + 1, FUSION_EVERY)
            if not left_over:
                depth, bokeh = self.fusions[level - 1](depth, bokeh)
                coarse, radius, coc_mean = self._look(depth, lens, height, width)
                bokeh = self.coc_conditions[level - 1](bokeh, radius)
                depth_levels.append(depth)
                bokeh_levels.append(bokeh)
        finals = torch.stack(depth_finals + bokeh_finals, dim=1)
        return depth_levels, bokeh_levels, coarse, finals

    def _look(
        self, tokens: Tensor, lens: Tensor, height: int, width: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Coarse inverse depth, its signed blur radius in token pixels, and CoC_mean."""
        coarse = self.coarse(tokens, height, width)
        radius = blur_radius_map(coarse, lens, width)
        return coarse, radius, mean_blur_percent(radius)
