"""Frames rendered by the network in torch."""

from __future__ import annotations

import torch
from torch import Tensor

from bokehflow.cli.frame_source import NetworkFacts, RenderedBy, RenderedFrame, pixels_beyond
from bokehflow.layers.temporal import State
from bokehflow.model import BokehFlow
from bokehflow.optics import Lens
from bokehflow.specs import Size


class NetworkFrames:
    """Depth and bokeh from the reference model."""

    def __init__(self, model: BokehFlow) -> None:
        self._model, self.depth_scale = model, model.depth_scale

    def depth(self, image: Tensor, index: int, lens: Lens) -> Tensor:  # noqa: ARG002
        """The network's depth in a first frame."""
        return self._model.first_depth(image, lens)

    def render(self, image: Tensor, index: int, lens: Lens, state: State | None) -> RenderedFrame:  # noqa: ARG002
        """One frame of the model."""
        frame = self._model(image, lens, state)
        reach_px = self._model.config.render.reach_px(*image.shape[2:])
        return RenderedFrame(*frame, pixels_beyond(reach_px, frame.depth, lens))

    def describe(self, frame: Size) -> RenderedBy:
        """The model, with which weights, trained or not."""
        model = self._model
        facts = NetworkFacts(
            runtime_version=torch.__version__,
            mode="executed",
            artifact=None,
            artifact_sha256=None,
            variant=model.network.variant.name,
            network_size=str(model.network_size_for(frame)),
            tsp=model.config.temporal.tsp,
            segments=model.config.temporal.segments,
            precision="fp32",
            trained=model.weights.trained,
            weights_sha256=model.weights.sha256,
            source_fov_deg=model.config.source_fov_deg or model.weights.canonical_fov_deg,
        )
        return RenderedBy(model.config.render.quality, "torch", facts)
