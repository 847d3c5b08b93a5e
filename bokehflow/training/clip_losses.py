"""From a batch of clips to its losses: the network unrolled over the frames, state carried.

The picture is made by the pipeline that ships, with the frame at network size.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bokehflow.layers.temporal import State, first_state
from bokehflow.network import Network, NetworkOutput
from bokehflow.pipeline import Pipeline
from bokehflow.rendering import RenderConfig
from bokehflow.rendering.config import clip_radius_px
from bokehflow.specs import DEPTH_MAX_M, TOKEN_STRIDE, Size
from bokehflow.training.batch import Batch
from bokehflow.training.config import LossWeights, StageConfig
from bokehflow.training.losses import (
    decibel_loss,
    depth_edge_loss,
    l1_loss,
    log_ratio_loss,
    scale_invariant_loss,
    ssim_loss,
    temporal_depth_loss,
    temporal_loss,
)
from bokehflow.training.perceptual import PerceptualDistance
from bokehflow.training.precision import computing_in, scan_with_float_gates

LOSS_NAMES = tuple(item.name for item in fields(LossWeights))
Losses = dict[str, Tensor]


class _Seen(NamedTuple):
    """One frame's predictions: inverse depth in 1/m and, where the stage renders, the picture."""

    inverse_depth: Tensor
    bokeh: Tensor | None


class ClipLosses(nn.Module):
    """A network with everything that judges it. Wrapped whole for several processes."""

    def __init__(
        self,
        network: Network,
        sizes: Iterable[Size],
        perceptual: PerceptualDistance | None,
        precision: str,
        weights: LossWeights,
    ) -> None:
        """sizes: of all stages. perceptual: None leaves that loss at 0. weights: losses of weight 0
        are told and have no gradient."""
        super().__init__()
        self._counted = [getattr(weights, name) > 0.0 for name in LOSS_NAMES]
        scan_with_float_gates(network)
        self.network, self.perceptual, self.precision = network, perceptual, precision
        # A plain dictionary: as submodules they would list the network's parameters again.
        self.pipelines = {size: _pipeline(network, size) for size in set(sizes)}

    def forward(self, batch: Batch, stage: StageConfig) -> Tensor:
        """Every loss of LOSS_NAMES, mean over the batch; 0 where the stage has none."""
        total: Losses = {}
        before: _Seen | None = None
        state = first_state(self.network.variant, len(batch.lens), device=batch.lens.device)
        for t in range(stage.frames):
            if t and stage.truncate and t % stage.truncate == 0:
                state = State(*(tensor.detach() for tensor in state))
            seen = self._see(batch.frames[:, t], batch.lens, state)
            state = seen.next_state
            losses, now = self._judge_frame(batch, t, stage, seen)
            if before is not None:
                losses |= _judge_change(batch, t, now, before)
            before = now
            for name, value in losses.items():
                total[name] = total[name] + value if name in total else value
        transitions = max(stage.frames - 1, 1)
        zero = batch.frames.new_zeros(())
        means = [
            total[name].mean() / (transitions if name.startswith("temporal") else stage.frames)
            if name in total
            else zero
            for name in LOSS_NAMES
        ]
        # 0 x inf would not be 0, and what no loss moves is not to be moved by weight decay.
        return torch.stack(
            [mean if k else mean.detach() for mean, k in zip(means, self._counted, strict=True)]
        )

    def _see(self, frame: Tensor, lens: Tensor, state: State) -> NetworkOutput:
        with computing_in(self.precision, frame.device):
            seen: NetworkOutput = self.network(frame, lens, state)
        depth, hint, coarse, next_state = seen
        return NetworkOutput(
            depth.float(), hint.float(), coarse.float(), State(*(s.float() for s in next_state))
        )

    def _judge_frame(
        self, batch: Batch, t: int, stage: StageConfig, seen: NetworkOutput
    ) -> tuple[Losses, _Seen]:
        """The losses of one frame, [B] each."""
        truth = batch.inverse_depth[:, t]
        coarse_truth = F.avg_pool2d(truth, TOKEN_STRIDE)
        losses = {
            "depth": scale_invariant_loss(truth, seen.inverse_depth) * batch.depth_cues,
            "coarse_depth": scale_invariant_loss(coarse_truth, seen.coarse_inverse_depth)
            * batch.depth_cues,
            "depth_ratio": log_ratio_loss(truth, seen.inverse_depth) * batch.depth_cues,
            "depth_edges": depth_edge_loss(truth, seen.inverse_depth) * batch.depth_cues,
        }
        if not stage.renders:
            return losses, _Seen(seen.inverse_depth, None)
        shown = seen
        if stage.rendering == "true_depth":
            shown = seen._replace(inverse_depth=truth.clamp(min=1.0 / DEPTH_MAX_M))
        bokeh = self._compose(batch.frames[:, t], batch.lens, shown)
        target = batch.bokeh[:, t]
        losses["bokeh_l1"] = l1_loss(target, bokeh)
        losses["bokeh_ssim"] = ssim_loss(target, bokeh)
        losses["bokeh_decibels"] = decibel_loss(target, bokeh)
        if self.perceptual is not None:
            losses["perceptual"] = self.perceptual(target, bokeh)
        return losses, _Seen(seen.inverse_depth, bokeh)

    def _compose(self, frame: Tensor, lens: Tensor, shown: NetworkOutput) -> Tensor:
        size = Size(frame.shape[2], frame.shape[3])
        pipeline = self.pipelines[size].to(frame.device)
        bokeh, _ = pipeline.compose(frame, frame, lens, shown)
        return bokeh


def _judge_change(batch: Batch, t: int, now: _Seen, before: _Seen) -> Losses:
    """The losses of what changed since the frame before, [B] each."""
    flow, valid = batch.flow[:, t - 1], batch.flow_valid[:, t - 1]
    change = temporal_depth_loss(
        now.inverse_depth,
        before.inverse_depth,
        batch.inverse_depth[:, t],
        batch.inverse_depth[:, t - 1],
        flow,
        valid,
    )
    losses = {"temporal_depth": change * batch.depth_cues}
    if now.bokeh is not None and before.bokeh is not None:
        losses["temporal"] = temporal_loss(now.bokeh, before.bokeh, flow, valid)
    return losses


def _pipeline(network: Network, size: Size) -> Pipeline:
    """The shipped pipeline at one size, for the blur of clips."""
    reach_px = clip_radius_px(size.height, size.width)
    return Pipeline(network, size, size, RenderConfig("mobile", max_radius_px=reach_px))
