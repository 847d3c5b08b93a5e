"""A clip of a layered scene, traced exactly; needs nothing but this package."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import torch

from bokehflow.calibration.aperture import Aperture, lens_samples
from bokehflow.calibration.data.clip import Asset, Clip, ClipInfo
from bokehflow.calibration.data.composed_scene import compose_scene
from bokehflow.calibration.data.exposure import exposure_gain, to_eight_bits
from bokehflow.calibration.data.flow import backward_flow
from bokehflow.calibration.data.layered_scene import LayeredScene, make_layered_scene
from bokehflow.calibration.data.lens_choice import choose_lens
from bokehflow.calibration.data.material import NO_MATERIAL, Material
from bokehflow.calibration.data.pinhole import FOV_RANGE_DEG, Pinhole
from bokehflow.calibration.data.pose import camera_pose, moved, shift
from bokehflow.calibration.data.request import DataRequest
from bokehflow.calibration.data.sheet import Sheet, sheet_layer, visible_sheets
from bokehflow.calibration.data.split import split_of_group
from bokehflow.calibration.surface import TEXELS_PER_PX
from bokehflow.calibration.thin_lens import Layer, largest_radius_px, trace, visible_depth_m
from bokehflow.errors import NumericalError
from bokehflow.optics import Lens

LEAST_SAMPLES, MOST_SAMPLES = 64, 256
MARGIN_TRIES = 5
SCENE_TRIES, LEAST_SPREAD = 8, 0.6
"""A frame that one wall or one thing fills teaches little: the scene is then made again."""
SMALLEST_MARGIN_PX = 4
SMALL_ROWS = 24
WIDER, WIDER_TRIES = 1.2, 24
VIEW_MARGIN_PX = 2
"""Of SMALL_ROWS: what a blur brings in from around a view."""
_SOURCE_NUMBER = 0


@dataclass
class LayeredGroup:
    """The layered scenes of one group of clips; each clip has a scene of its own."""

    request: DataRequest
    group: int
    material: Material = NO_MATERIAL

    def clip(self, index: int) -> Clip:
        """The clip of this number. The same request and number give the same bytes."""
        rng = np.random.default_rng([self.request.seed, _SOURCE_NUMBER, index])
        split = split_of_group(self.group)
        scene, cameras = self._scene(rng, split)
        return _film(rng, self.request, scene, cameras, split, index)

    def _scene(self, rng: np.random.Generator, split: str) -> tuple[LayeredScene, list[Pinhole]]:
        moving = self.request.frames > 1
        if self.material == NO_MATERIAL:
            scene = make_layered_scene(rng, split, moving)
            return scene, _filled_cameras(rng, self.request, scene)
        material = self.material.of_split(split)
        for _ in range(SCENE_TRIES):
            scene = compose_scene(rng, material, split, moving)
            cameras = _filled_cameras(rng, self.request, scene)
            if _depth_spread(scene, cameras[0]) >= LEAST_SPREAD:
                break
        return scene, cameras


def _filled_cameras(
    rng: np.random.Generator, request: DataRequest, scene: LayeredScene
) -> list[Pinhole]:
    """The cameras of a scene; a photo behind it is made as large as their views."""
    cameras = _cameras(rng, request, scene)
    if not scene.depth_cues:
        _fill_views(scene, cameras)
    return cameras


def _fill_views(scene: LayeredScene, cameras: list[Pinhole]) -> None:
    """Enlarge the photo behind everything about its middle until no camera sees past it."""
    backdrop = scene.sheets[0]
    for _ in range(WIDER_TRIES):
        if all(_fills(backdrop, camera, frame) for frame, camera in enumerate(cameras)):
            break
        width, height = (WIDER * side for side in backdrop.size_m)
        middle = shift(0.0, -0.5 * (height - backdrop.size_m[1]), 0.0)
        backdrop = dataclasses.replace(
            backdrop, size_m=(width, height), pose=backdrop.pose @ middle
        )
    scene.sheets[0] = backdrop


def _fills(sheet: Sheet, camera: Pinhole, frame: int) -> bool:
    """Whether a sheet is all that lies behind a view and what a blur brings in from around it."""
    return bool((sheet_layer(sheet, _small(camera), frame, VIEW_MARGIN_PX).rgba[3] > 0.0).all())


def _small(camera: Pinhole) -> Pinhole:
    """The same view in few pixels."""
    width = max(1, round(SMALL_ROWS * camera.width / camera.height))
    return dataclasses.replace(camera, height=SMALL_ROWS, width=width)


def _depth_spread(scene: LayeredScene, camera: Pinhole) -> float:
    """How much the depth in view varies: its middle four fifths, in doublings."""
    stack = _layers(scene, _small(camera), 0, SMALLEST_MARGIN_PX)
    depth = visible_depth_m(stack).clamp(0.05, 100.0)
    low, high = torch.quantile(depth.flatten().log2(), torch.tensor([0.1, 0.9])).tolist()
    return float(high - low)


def _cameras(rng: np.random.Generator, request: DataRequest, scene: LayeredScene) -> list[Pinhole]:
    fov = float(rng.uniform(*FOV_RANGE_DEG)) if scene.fov_deg is None else scene.fov_deg
    pitch = float(rng.normal(scene.pitch_deg, 5.0)) if scene.depth_cues else 0.0
    yaw, roll = float(rng.normal(0.0, 5.0)), float(rng.normal(0.0, 1.5))
    start = camera_pose((0.0, scene.camera_height_m, 0.0), yaw, pitch, roll)
    velocity, rates = rng.normal(0.0, (0.015, 0.006, 0.015)), rng.normal(0.0, (0.2, 0.5, 0.1))
    velocity *= scene.motion
    return [
        Pinhole(request.height, request.width, fov, moved(start, velocity, rates, frame))
        for frame in range(request.frames)
    ]


def _film(
    rng: np.random.Generator,
    request: DataRequest,
    scene: LayeredScene,
    cameras: list[Pinhole],
    split: str,
    index: int,
) -> Clip:
    stacks = [_layers(scene, camera, t, SMALLEST_MARGIN_PX) for t, camera in enumerate(cameras)]
    # A pixel across the horizon of a floor averages in what lies behind the camera.
    q = np.stack([1.0 / visible_depth_m(stack)[0].double().numpy() for stack in stacks]).clip(min=0)
    shown = [visible_sheets(stack) for stack in stacks]
    sharp = [trace(_in_reach(stack, None), Lens(), torch.zeros(1, 2)) for stack in stacks]
    lens = choose_lens(rng, q[0], centre_bias=0.3)
    blurred = sharp
    if request.lens_views:
        blurred = [_blurred(scene, camera, t, lens) for t, camera in enumerate(cameras)]
    gain = exposure_gain(sharp[0].permute(1, 2, 0).numpy(), rng)
    flow, valid = _flow(scene, cameras, q, shown, request)
    info = ClipInfo(
        source="layered",
        split=split,
        seed=request.seed,
        index=index,
        fov_deg=cameras[0].fov_deg,
        lens=lens,
        depth_cues=scene.depth_cues,
        assets=_assets(scene),
        known=request.known,
    )
    return Clip(
        frames=to_eight_bits(torch.stack(sharp).permute(0, 2, 3, 1).contiguous().numpy(), gain),
        inverse_depth=q.astype(np.float16),
        bokeh=to_eight_bits(torch.stack(blurred).permute(0, 2, 3, 1).contiguous().numpy(), gain),
        flow=flow,
        flow_valid=valid,
        info=info,
    )


def _layers(scene: LayeredScene, camera: Pinhole, frame: int, margin_px: int) -> list[Layer]:
    return [sheet_layer(sheet, camera, frame, margin_px) for sheet in scene.sheets]


def _blurred(scene: LayeredScene, camera: Pinhole, frame: int, lens: Lens) -> torch.Tensor:
    """The frame through the lens, on canvases with margin enough for its blur."""
    margin = SMALLEST_MARGIN_PX
    for _ in range(MARGIN_TRIES):
        layers = _layers(scene, camera, frame, margin)
        radius = largest_radius_px(layers, lens)
        if math.ceil(1.01 * radius) + 2 <= margin:
            count = min(MOST_SAMPLES, max(LEAST_SAMPLES, math.ceil(math.pi * radius**2)))
            return trace(_in_reach(layers, lens), lens, lens_samples(Aperture(), count))
        margin = math.ceil(1.15 * radius) + 4
    raise NumericalError(f"a margin of {margin} px does not hold a blur of {radius:.0f} px")


def _in_reach(layers: list[Layer], lens: Lens | None) -> list[Layer]:
    """The layers of which something lies in the frame, or so near it that its own blur may."""
    kept = []
    for layer in layers:
        reach = 0 if lens is None else math.ceil(layer.largest_radius_px(lens))
        outside = TEXELS_PER_PX * max(0, layer.margin_px - reach)
        rows, cols = layer.rgba.shape[1:]
        near = layer.rgba[3, outside : rows - outside, outside : cols - outside]
        if bool((near > 0).any()):
            kept.append(layer)
    return kept


def _flow(
    scene: LayeredScene,
    cameras: list[Pinhole],
    q: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    shown: list[np.ndarray[tuple[int, ...], np.dtype[np.intp]]],
    request: DataRequest,
) -> tuple[
    np.ndarray[tuple[int, ...], np.dtype[np.float16]],
    np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
]:
    flow = np.zeros((request.frames - 1, request.height, request.width, 2), dtype=np.float16)
    valid = np.zeros(flow.shape[:3], dtype=np.bool_)
    for t in range(1, request.frames):
        poses = [
            [sheet.pose_at(frame, cameras[frame]) for sheet in scene.sheets] for frame in (t, t - 1)
        ]
        flow[t - 1], valid[t - 1] = backward_flow(
            cameras[t], cameras[t - 1], q[t], q[t - 1], shown[t], *poses
        )
    return flow, valid


def _assets(scene: LayeredScene) -> tuple[Asset, ...]:
    return tuple(sorted(set(scene.assets)))
