"""A clip of a furnished scene, ray-traced: sharp frames, exact depth, thin-lens frames, flow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bokehflow.calibration.data.clip import Clip, ClipInfo
from bokehflow.calibration.data.exposure import exposure_gain, to_eight_bits
from bokehflow.calibration.data.flow import backward_flow
from bokehflow.calibration.data.furniture import Furniture, catalogue
from bokehflow.calibration.data.layout import Layout
from bokehflow.calibration.data.lens_choice import choose_lens
from bokehflow.calibration.data.outdoor_layout import make_outdoors
from bokehflow.calibration.data.pinhole import Pinhole, to_inverse_depth
from bokehflow.calibration.data.pose import Pose
from bokehflow.calibration.data.request import DataRequest
from bokehflow.calibration.data.room_layout import make_room
from bokehflow.calibration.data.split import HELD_OUT, TRAIN, of_split, split_of_group
from bokehflow.calibration.data.traced_parts import body_parts, move_body, quad_parts, sky_parts
from bokehflow.calibration.data.tracer import Shot, bodies_seen, load_mitsuba
from bokehflow.calibration.data.viewpoint import (
    Viewpoint,
    choose_viewpoint,
    is_open,
    set_in_motion,
)
from bokehflow.calibration.data.workshop_layout import make_workshop

SHARP_SAMPLES = {TRAIN: 16, HELD_OUT: 128}
LENS_SAMPLES = {TRAIN: 64, HELD_OUT: 256}
"""Rays a pixel. What is judged by is traced with so many more that its noise hides no blur."""
VIEW_TRIES = 6
PROBE_PX = 32
"""A view is first judged by its depth at so many pixels a side."""

LayoutMaker = Callable[[np.random.Generator, Sequence[Furniture], str], Layout]
MAKERS: dict[str, LayoutMaker] = {
    "rooms": make_room,
    "outdoors": make_outdoors,
    "workshops": make_workshop,
}
"""Their order is part of what a seed makes: a new one goes to the end."""


def require_tracing() -> None:
    """Raise MissingDependencyError or InputError where rooms cannot be made here."""
    load_mitsuba()
    catalogue()


@dataclass
class TracedScene:
    """One furnished scene, from which several clips are taken. Loads it all when it is made.

    group: the scene's number, which decides its split and, with the seed, everything in it.
    """

    request: DataRequest
    source: str
    group: int

    def __post_init__(self) -> None:
        self.mi = load_mitsuba()
        self.split = split_of_group(self.group)
        rng = np.random.default_rng([self.request.seed, _source_number(self.source), self.group])
        self.layout = MAKERS[self.source](rng, of_split(catalogue(), self.split), self.split)
        parts = quad_parts(self.mi, self.layout) | sky_parts(self.mi, self.layout)
        for number, body in enumerate(self.layout.bodies):
            parts |= body_parts(self.mi, _body_name(number), body, 0, self.layout.ambient)
        # One scene for all clips: Mitsuba cannot hold two with the same shapes in them.
        self.shot = Shot.of(self.mi, parts)

    def clip(self, index: int) -> Clip:
        """The clip of this number. The same request and number give the same bytes."""
        rng = np.random.default_rng([self.request.seed, _source_number(self.source), index, 1])
        view = self._open_view(rng)
        still = list(self.layout.bodies)
        mover = None
        if self.request.frames > 1:
            mover = set_in_motion(rng, self.layout, self._camera(view, 0))
        try:
            return self._film(rng, view, mover, index)
        finally:
            self.layout.bodies = still
            if mover is not None:
                self._place(mover, 0)

    def _film(
        self, rng: np.random.Generator, view: Viewpoint, mover: int | None, index: int
    ) -> Clip:
        cameras = [self._camera(view, frame) for frame in range(self.request.frames)]
        lens = choose_lens(rng, 1.0 / self.shot.depth_m(cameras[0]))
        noise_seed = int(rng.integers(2**30))
        sharp, blurred, depths = [], [], []
        for frame, camera in enumerate(cameras):
            if mover is not None:
                self._place(mover, frame)
            seed = noise_seed + 2 * frame
            depths.append(self.shot.depth_m(camera))
            sharp.append(self.shot.picture(camera, SHARP_SAMPLES[self.split], seed, None))
            if self.request.lens_views:
                blurred.append(self.shot.picture(camera, LENS_SAMPLES[self.split], seed + 1, lens))
        gain = exposure_gain(sharp[0], rng)
        flow, valid = self._flow(cameras, depths, mover)
        info = ClipInfo(
            source=self.source,
            split=self.split,
            seed=self.request.seed,
            index=index,
            fov_deg=view.fov_deg,
            lens=lens,
            depth_cues=True,
            assets=self.layout.all_assets(),
            known=self.request.known,
        )
        return Clip(
            frames=to_eight_bits(np.stack(sharp), gain),
            inverse_depth=to_inverse_depth(np.stack(depths)),
            bokeh=to_eight_bits(np.stack(blurred or sharp), gain),
            flow=flow,
            flow_valid=valid,
            info=info,
        )

    def _camera(self, view: Viewpoint, frame: int) -> Pinhole:
        return view.camera(self.request.height, self.request.width, frame)

    def _place(self, number: int, frame: int) -> None:
        move_body(self.shot, _body_name(number), self.layout.bodies[number], frame)

    def _alone(self, number: int, frame: int) -> Shot:
        """A scene that holds one body and no light."""
        body = self.layout.bodies[number]
        return Shot.of(self.mi, body_parts(self.mi, "alone", body, frame, 0.0))

    def _open_view(self, rng: np.random.Generator) -> Viewpoint:
        """The first of some viewpoints that nothing blocks, or the last."""
        view = choose_viewpoint(rng, self.layout, self.request.frames > 1)
        for _ in range(VIEW_TRIES):
            if is_open(self.shot.depth_m(view.camera(PROBE_PX, PROBE_PX, 0))):
                break
            view = choose_viewpoint(rng, self.layout, self.request.frames > 1)
        return view

    def _flow(self, cameras: list[Pinhole], depths: list[Any], mover: int | None) -> Any:
        height, width = self.request.height, self.request.width
        flows = np.zeros((len(cameras) - 1, height, width, 2), dtype=np.float16)
        valid = np.zeros((len(cameras) - 1, height, width), dtype=np.bool_)
        for frame in range(1, len(cameras)):
            poses = [self._poses(mover, frame), self._poses(mover, frame - 1)]
            alone = []
            if mover is not None:
                alone = [self._alone(mover, frame).depth_m(cameras[frame])]
            flows[frame - 1], valid[frame - 1] = backward_flow(
                cameras[frame],
                cameras[frame - 1],
                1.0 / depths[frame],
                1.0 / depths[frame - 1],
                bodies_seen(depths[frame], alone),
                *poses,
            )
        return flows, valid

    def _poses(self, mover: int | None, frame: int) -> list[Pose]:
        moving = [] if mover is None else [self.layout.bodies[mover].pose_at(frame)]
        return [np.eye(4), *moving]


def _source_number(source: str) -> int:
    return 1 + list(MAKERS).index(source)


def _body_name(number: int) -> str:
    return f"body{number}"
