"""What a step draws, as numbers alone: where its views lie in clips that a device holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bokehflow.calibration.data.clip import ClipInfo
from bokehflow.optics import narrowed_fov_deg
from bokehflow.specs import Size
from bokehflow.training.camera_look import Looks, looks_of
from bokehflow.training.draws import Draw, StepDraws
from bokehflow.training.pan import flow_of
from bokehflow.training.turn import TurnedView, turned_view
from bokehflow.training.view import axis_in, canonical_camera

NO_FLOW = -1


class Place(NamedTuple):
    """Where a clip's first frame and its first flow stand among all that a device holds, and what
    is known about the clip."""

    first_frame: int
    first_flow: int
    info: ClipInfo


class Cuts(NamedTuple):
    """A batch of B samples of n frames, before their pixels are looked up.

    frames: [B, n], numbers of frames held. box: [B, n, 4], top, left, height and width in their px.
    mirrored: [B]. gains: [B, 3] in linear light. flows: [B, n - 1], numbers of flows held, or
    NO_FLOW for `moved`: [B, n - 1, 2], px of the target. scale: [B], times inverse depth. lens,
    depth_cues: as in a `Batch`. looks: None for the frames as they are; their noise comes from
    `seed`. turns: [B, 3, 3], `TurnedView.to_source`; None where no camera is turned.
    """

    frames: Tensor
    box: Tensor
    mirrored: Tensor
    gains: Tensor
    flows: Tensor
    moved: Tensor
    scale: Tensor
    lens: Tensor
    depth_cues: Tensor
    looks: Looks | None
    seed: int
    turns: Tensor | None
    target: Size
    renders: bool

    def to(self, device: torch.device) -> Cuts:
        """The same cuts on another device."""
        moved = [x.to(device) if isinstance(x, Tensor | Looks) else x for x in self]
        return Cuts(*moved)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Cutting:
    """Turns draws into cuts of clips at their places."""

    places: Mapping[Path, Place]
    canonical_fov_deg: float

    def __call__(self, draws: StepDraws) -> Cuts:
        """The cuts of one step."""
        target, samples = draws.size, draws.samples
        batch, count = len(samples), draws.stage.frames
        first = [draw.views[0] for draw in samples]
        turns = [turned for draw in samples if (turned := self._turned(draw, target))]
        zooms = [turned.zoom for turned in turns] or [1.0] * batch
        seen = (self._seen(draw, zoom) for draw, zoom in zip(samples, zooms, strict=True))
        scales, lenses = zip(*seen, strict=True)
        looks = [draw.look for draw in samples if draw.look is not None]
        flows = [self._flows(draw) for draw in samples]
        moved = [flow_of(draw.views, target) for draw in samples]
        return Cuts(
            frames=torch.tensor([self._frames(draw) for draw in samples]),
            box=torch.tensor(
                [[view[:4] for view in draw.views] for draw in samples], dtype=torch.float32
            ),
            mirrored=torch.tensor([view.mirrored for view in first]),
            gains=torch.tensor([view.gains for view in first]),
            flows=torch.tensor(flows, dtype=torch.long).view(batch, count - 1),
            moved=torch.tensor(moved, dtype=torch.float32).view(batch, count - 1, 2),
            scale=torch.tensor(scales),
            lens=torch.tensor(lenses),
            depth_cues=torch.tensor([float(self._place(draw).info.depth_cues) for draw in samples]),
            looks=looks_of(looks) if looks else None,
            seed=looks[0].seed if looks else 0,
            turns=torch.tensor(np.stack([turned.to_source for turned in turns])) if turns else None,
            target=target,
            renders=draws.stage.renders,
        )

    def _place(self, draw: Draw) -> Place:
        return self.places[draw.entry.path]

    def _frames(self, draw: Draw) -> list[int]:
        first = self._place(draw).first_frame + draw.first
        return [first + t * draw.filmed for t in range(len(draw.views))]

    def _flows(self, draw: Draw) -> list[int]:
        first = self._place(draw).first_flow + draw.first
        return [first + t if draw.filmed else NO_FLOW for t in range(len(draw.views) - 1)]

    def _turned(self, draw: Draw, target: Size) -> TurnedView | None:
        if draw.turn is None:
            return None
        view, frame = draw.views[0], draw.entry.size
        fov_deg = narrowed_fov_deg(self._place(draw).info.fov_deg, view.width / frame.width)
        return turned_view(draw.turn, fov_deg, target, axis_in(view, frame))

    def _seen(self, draw: Draw, zoom: float) -> tuple[float, tuple[float, ...]]:
        """What the view makes of inverse depth, and of the lens; as `view.look` does."""
        share = draw.views[0].width / draw.entry.size.width / zoom
        scale, lens = canonical_camera(self._place(draw).info, share, self.canonical_fov_deg)
        told = lens if draw.told is None else draw.told.beside(lens)
        return scale, told.as_tuple()
