"""Showing frames to a model: any size, the field of view known or not, as its users do."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from bokehflow.focus import Focus
from bokehflow.layers.temporal import State
from bokehflow.model import BokehFlow, Frame, depth_scale
from bokehflow.optics import Lens
from bokehflow.rendering.config import clip_radius_px
from bokehflow.specs import Size
from bokehflow.training.view import canonical_lens


class Sight:
    """A model with a static pipeline for every frame size that it has met.

    The renderer reaches an eighth of the longer side, as in training: clips may be blurred by more
    than the phone's graphs are built for.
    """

    def __init__(self, model: BokehFlow) -> None:
        self.model = model
        self._by_size: dict[Size, BokehFlow] = {}

    def at(self, size: Size) -> BokehFlow:
        """The model for frames of one size, of the field of view that its weights are for."""
        if size not in self._by_size:
            config = self.model.config
            reach_px = clip_radius_px(size.height, size.width)
            render = dataclasses.replace(config.render, max_radius_px=reach_px)
            config = dataclasses.replace(config, render=render, source_fov_deg=None)
            self._by_size[size] = BokehFlow(self.model.network, self.model.weights, config)
        return self._by_size[size]

    def see(
        self, frame: Tensor, lens: Lens, fov_deg: float | None, state: State | None = None
    ) -> Frame:
        """One frame [1, 3, H, W], sRGB 0..1.

        fov_deg: horizontal field of view of the camera that took it, None for the one the weights
        were trained for. state: of the frame before, None for no memory.
        """
        model, scale = self.at(_size(frame)), self._depth_scale(fov_deg)
        seen = model(frame, _told(lens, scale), state)
        return seen._replace(depth=seen.depth * scale)

    def autofocused(self, frame: Tensor, lens: Lens, fov_deg: float | None) -> Lens:
        """The lens focused where autofocus finds what is seen, as `bfx render` does where no focus
        is given, whatever the lens's own. Arguments as `see`'s."""
        model, scale = self.at(_size(frame)), self._depth_scale(fov_deg)

        def depth_m(focus_m: float) -> Tensor:
            focused = dataclasses.replace(lens, focus_m=focus_m)
            return model.first_depth(frame, _told(focused, scale)) * scale

        found = Focus().found(depth_m, lens.focal_length_mm, scale)
        return dataclasses.replace(lens, focus_m=found.distance_m)

    def render(self, frame: Tensor, inverse_depth: Tensor, lens: Lens) -> Tensor:
        """What the renderer alone makes of a frame with inverse depth [1, 1, H, W] in 1/m."""
        size = _size(frame)
        radius = lens.signed_radius_px(inverse_depth, size.width)
        with torch.inference_mode():
            picture: Tensor = self.at(size).pipeline_for(size).renderer(frame, radius)
        return picture

    def _depth_scale(self, fov_deg: float | None) -> float:
        return depth_scale(fov_deg, self.model.weights.canonical_fov_deg)


def _told(lens: Lens, scale: float) -> Lens:
    """The lens that the network is told of.

    Clips are focused nearer at times than a user's lens can be, which the model would refuse: they
    are told as in training, by a lens of the same blur. All others as the model tells them.
    """
    return canonical_lens(lens, scale, 1.0)


def _size(frame: Tensor) -> Size:
    return Size(frame.shape[2], frame.shape[3])
