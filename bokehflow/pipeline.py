"""One frame size, start to end, in static shapes: this module is what every exporter exports.

frame -> shrink -> network -> edge-aware upsampling -> signed blur radius -> renderer -> residual
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from bokehflow.layers.conditioning import blur_radius_map
from bokehflow.layers.resample import Resample
from bokehflow.layers.temporal import State
from bokehflow.network import Network, NetworkOutput
from bokehflow.rendering import EdgeAwareUpsample, RenderConfig, Renderer
from bokehflow.specs import DEPTH_MAX_M, DEPTH_MIN_M, Size, network_size_for


class PipelineOutput(NamedTuple):
    """bokeh: sRGB 0..1, [B, 3, H, W]; depth: metres, [B, 1, H, W]; the state for the next frame."""

    bokeh: Tensor
    depth: Tensor
    next_scan: Tensor
    next_pooled: Tensor
    next_valid: Tensor


class Pipeline(nn.Module):
    """A network and a renderer tied to one frame size and one network size."""

    def __init__(
        self,
        network: Network,
        frame_size: Size,
        network_size: Size,
        render: RenderConfig,
    ) -> None:
        super().__init__()
        network_size_for(frame_size, network_size)
        self.frame_size, self.network_size = frame_size, network_size
        self.network = network
        self.shrink = Resample(frame_size, network_size)
        self.enlarge = Resample(network_size, frame_size)
        self.upsample = EdgeAwareUpsample(
            (network_size.height, network_size.width), (frame_size.height, frame_size.width)
        )
        self.renderer = Renderer(frame_size.height, frame_size.width, render)

    def forward(
        self,
        image: Tensor,
        lens: Tensor,
        state_scan: Tensor,
        state_pooled: Tensor,
        state_valid: Tensor,
    ) -> PipelineOutput:
        """image: [B, 3, H, W], sRGB 0..1; lens: [B, 4] as `optics.LENS_FIELDS`; the state as
        `layers.temporal.State`, zeros before the first frame."""
        small = self.shrink(image)
        seen = self.network(small, lens, State(state_scan, state_pooled, state_valid))
        bokeh, inverse_depth = self.compose(image, small, lens, seen)
        return PipelineOutput(bokeh, 1.0 / inverse_depth, *seen.next_state)

    def show(self, image: Tensor, lens: Tensor, state: State, runs: int = 1) -> PipelineOutput:
        """`forward` so many times, the state carried: as a first frame of cold segments is shown,
        `TemporalConfig.first_runs` times."""
        seen: PipelineOutput = self(image, lens, *state)
        for _ in range(runs - 1):
            seen = self(image, lens, *seen[2:])
        return seen

    def depth(self, image: Tensor, lens: Tensor, state: State, runs: int = 1) -> Tensor:
        """The depth that `show` gives, in metres, [B, 1, H, W], without the picture."""
        small = self.shrink(image)
        seen: NetworkOutput = self.network(small, lens, state)
        for _ in range(runs - 1):
            seen = self.network(small, lens, seen.next_state)
        return 1.0 / self._inverse_depth(seen, image)

    def compose(
        self, image: Tensor, small: Tensor, lens: Tensor, seen: NetworkOutput
    ) -> tuple[Tensor, Tensor]:
        """The picture through the lens and inverse depth in 1/m, [B, 3, H, W] and [B, 1, H, W].

        image: at frame size; small: the same at network size; seen: what the network made of it.
        """
        inverse_depth = self._inverse_depth(seen, image)
        radius = blur_radius_map(inverse_depth, lens, self.frame_size.width)
        rendered = self.renderer(image, radius)
        residual = self._residual(rendered, small, seen.hint, seen.inverse_depth, lens)
        in_blur = torch.clamp(radius.abs(), max=1.0)
        # The residual first: engines run what they come to first, and let the network's maps go.
        return torch.clamp(residual * in_blur + rendered, 0.0, 1.0), inverse_depth

    def _inverse_depth(self, seen: NetworkOutput, image: Tensor) -> Tensor:
        """1/m at frame size, [B, 1, H, W]."""
        inverse_depth = self.upsample(seen.inverse_depth, image)
        return torch.clamp(inverse_depth, 1.0 / DEPTH_MAX_M, 1.0 / DEPTH_MIN_M)

    def _residual(
        self, rendered: Tensor, small: Tensor, hint: Tensor, inverse_depth: Tensor, lens: Tensor
    ) -> Tensor:
        """The residual refinement, made at network size and brought to frame size."""
        radius = blur_radius_map(inverse_depth, lens, self.network_size.width)
        residual = self.network.refine(self.shrink(rendered), small, hint, radius)
        enlarged: Tensor = self.enlarge(residual)
        return enlarged
