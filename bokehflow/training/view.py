"""From a clip to what the network sees of it: crop, mirror, exposure and canonical field of view.

The network's inverse depth is metric for one horizontal field of view. A camera with another one,
or a crop of its frame, shows things at another size, so the network shall put them where the
canonical camera would have seen them so: true inverse depth x (focal length of the view / canonical
focal length), both in frame widths. The lens is changed along, so that every pixel blurs as before.
"""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.calibration.data.clip import Clip, ClipInfo
from bokehflow.model import depth_scale
from bokehflow.optics import MM_PER_M, Lens
from bokehflow.specs import Size
from bokehflow.srgb import linear_to_srgb, srgb_to_linear
from bokehflow.training.batch import Batch

GAIN_RANGE = (0.6, 1.0)
"""Exposure drawn in linear light; above 1 it would clip the sharp frame and its blur unlike."""
TINT_RANGE = (0.9, 1.0)
LONGEST_FOCAL_SHARE = 0.5
"""A lens stays at least twice its focal length away from what it focuses on."""


class View(NamedTuple):
    """Part of a frame in its pixels, whether it is mirrored, and gains [3] in linear light."""

    top: int
    left: int
    height: int
    width: int
    mirrored: bool
    gains: tuple[float, float, float]


def random_view(rng: np.random.Generator, frame: Size, target: Size, smallest_view: float) -> View:
    """A view of the target's shape that takes `smallest_view` to all of what fits the frame."""
    fit = min(frame.height / target.height, frame.width / target.width)
    share = rng.uniform(smallest_view, 1.0)
    height = max(1, math.floor(target.height * fit * share))
    width = max(1, math.floor(target.width * fit * share))
    top = int(rng.integers(frame.height - height + 1))
    left = int(rng.integers(frame.width - width + 1))
    mirrored = bool(rng.integers(2))
    red, green, blue = (rng.uniform(*GAIN_RANGE) * rng.uniform(*TINT_RANGE, size=3)).tolist()
    return View(top, left, height, width, mirrored, (red, green, blue))


def look(
    clip: Clip, view: View, target: Size, canonical_fov_deg: float, *, with_bokeh: bool = True
) -> Batch:
    """A clip of one view at the target size, as a batch of one.

    Without bokeh, the sharp frames stand in its place.
    """
    known = _cut(clip, view).tensors()
    scale, lens = canonical_camera(clip.info, view.width / clip.size[1], canonical_fov_deg)
    flow = _nearest(_mirrored(known.flow, view), target)
    flow = flow * torch.tensor([target.width / view.width, target.height / view.height]).view(
        2, 1, 1
    )
    if view.mirrored:
        flow = flow * torch.tensor([-1.0, 1.0]).view(2, 1, 1)
    gains = torch.tensor(view.gains).view(3, 1, 1)
    frames = exposed(_smooth(_mirrored(known.frames, view), target), gains)
    bokeh = frames
    if with_bokeh:
        bokeh = exposed(_smooth(_mirrored(known.bokeh, view), target), gains)
    batch = Batch(
        frames=frames,
        bokeh=bokeh,
        inverse_depth=_nearest(_mirrored(known.inverse_depth, view), target) * scale,
        flow=flow,
        flow_valid=_nearest(_mirrored(known.flow_valid, view), target),
        lens=torch.tensor(lens.as_tuple()),
        depth_cues=torch.tensor(float(clip.info.depth_cues)),
    )
    return Batch(*(tensor.unsqueeze(0) for tensor in batch))


def axis_in(view: View, frame: Size) -> tuple[float, float]:
    """Where the middle of a frame, its camera's axis, lies from that of a view, in its widths."""
    right = (0.5 * frame.width - view.left) / view.width - 0.5
    down = (0.5 * frame.height - view.top - 0.5 * view.height) / view.width
    return (-right if view.mirrored else right, down)


def canonical_camera(info: ClipInfo, share: float, canonical_fov_deg: float) -> tuple[float, Lens]:
    """What a view of `share` of a frame's width makes of inverse depth, as a factor, and of the
    lens."""
    scale = depth_scale(info.fov_deg, canonical_fov_deg) / share
    return scale, canonical_lens(info.lens, scale, share)


def canonical_lens(lens: Lens, scale: float, share: float) -> Lens:
    """The lens that blurs depths / `scale` in `share` of the sensor's width as `lens` does.

    The same as `Lens.seen_with_depth_scaled(1 / scale)` but where that would put the focus too
    near: there the focal length is shortened as well. All lenses of one f^2 / (N (S1 - f)) blur
    alike, so the picture is exactly the same.
    """
    focus_mm = lens.focus_m * MM_PER_M
    gain_mm = lens.focal_length_mm**2 / (lens.f_number * (focus_mm - lens.focal_length_mm))
    seen_mm = focus_mm / scale
    focal_mm = min(lens.focal_length_mm, LONGEST_FOCAL_SHARE * seen_mm)
    f_number = focal_mm**2 / (gain_mm * (seen_mm - focal_mm))
    return dataclasses.replace(
        lens,
        focal_length_mm=focal_mm,
        f_number=f_number,
        focus_m=seen_mm / MM_PER_M,
        sensor_width_mm=lens.sensor_width_mm * share,
    )


def _cut(clip: Clip, view: View) -> Clip:
    """The view's part of a clip, cut before anything larger is made of its bytes."""
    rows = slice(view.top, view.top + view.height)
    columns = slice(view.left, view.left + view.width)
    return Clip(
        clip.frames[:, rows, columns],
        clip.inverse_depth[:, rows, columns],
        clip.bokeh[:, rows, columns],
        clip.flow[:, rows, columns],
        clip.flow_valid[:, rows, columns],
        clip.info,
    )


def _mirrored(maps: Tensor, view: View) -> Tensor:
    """[n, C, H, W], mirrored if the view is."""
    return maps.flip(3) if view.mirrored else maps


def _smooth(pictures: Tensor, target: Size) -> Tensor:
    return F.interpolate(
        pictures, (target.height, target.width), mode="bilinear", antialias=True
    ).clamp(0.0, 1.0)


def _nearest(maps: Tensor, target: Size) -> Tensor:
    """Resized without mixing: a depth between two objects belongs to neither."""
    if maps.shape[0] == 0:
        return maps.new_zeros(0, maps.shape[1], target.height, target.width)
    return F.interpolate(maps, (target.height, target.width), mode="nearest-exact")


def exposed(pictures: Tensor, gains: Tensor) -> Tensor:
    """sRGB 0..1 [n, 3, H, W] under another exposure; gains: [..., 3, 1, 1] in linear light."""
    return linear_to_srgb(srgb_to_linear(pictures) * gains)
