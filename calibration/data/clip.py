"""A clip: what one training sample holds, whichever source it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bokehflow.errors import InputError
from bokehflow.optics import Lens

UInt8 = npt.NDArray[np.uint8]
Float16 = npt.NDArray[np.float16]
Bool = npt.NDArray[np.bool_]


TRUTHS = ("depth", "bokeh", "flow")
ARRAYS = ("frames", "inverse_depth", "bokeh", "flow", "flow_valid")
"""Of a clip, by name."""


class Form(NamedTuple):
    """What an array is before anyone looks into it."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def require_fit(forms: Mapping[str, Form]) -> None:
    """Raise InputError unless ARRAYS of these forms are one clip's."""
    frames = forms["frames"]
    if len(frames.shape) != 4:
        raise InputError(f"frames of shape {frames.shape}", "[n, H, W, 3]")
    n, height, width = frames.shape[:3]
    wanted = {
        "frames": Form((n, height, width, 3), np.dtype(np.uint8)),
        "inverse_depth": Form((n, height, width), np.dtype(np.float16)),
        "bokeh": Form((n, height, width, 3), np.dtype(np.uint8)),
        "flow": Form((n - 1, height, width, 2), np.dtype(np.float16)),
        "flow_valid": Form((n - 1, height, width), np.dtype(np.bool_)),
    }
    for name, form in wanted.items():
        found = forms[name]
        if found != form:
            raise InputError(
                f"{name} of shape {found.shape} and type {found.dtype}",
                f"{form.shape} {form.dtype}",
            )


@dataclass(frozen=True, slots=True, order=True)
class Asset:
    """Someone's work that a clip shows: a mesh, a photo or a cut-out, with where it came from."""

    name: str
    origin: str
    author: str
    licence: str


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """What is known about a clip besides its pixels.

    source: a name of `request.SOURCES`, or of a set in `importing.py`. split: "train" or
    "held-out". seed, index: the request's seed and the clip's number in its source. fov_deg: field
    of view of the camera that took the sharp frames, across the width. lens: the lens imitated by
    the bokeh frames. depth_cues: whether the picture tells its depth; False for cut-outs over a
    photo, from which only the renderer should learn. known: which of `TRUTHS` the clip holds; what
    stands for the others means nothing.
    """

    source: str
    split: str
    seed: int
    index: int
    fov_deg: float
    lens: Lens
    depth_cues: bool
    assets: tuple[Asset, ...]
    known: tuple[str, ...] = TRUTHS


@dataclass(frozen=True, slots=True)
class Clip:
    """`n` frames of one camera, in order.

    frames: uint8 [n, H, W, 3] sRGB, all in focus.
    inverse_depth: float16 [n, H, W] in 1/m, 0 where infinitely far.
    bokeh: uint8 [n, H, W, 3] sRGB, the same scene through `info.lens`.
    flow: float16 [n - 1, H, W, 2] in pixels (x, y): a pixel of frame t + 1 was at its own place
    plus `flow[t]` in frame t.
    flow_valid: bool [n - 1, H, W], whether that place lay in the frame and was not hidden.
    Raises InputError where the arrays do not fit together.
    """

    frames: UInt8
    inverse_depth: Float16
    bokeh: UInt8
    flow: Float16
    flow_valid: Bool
    info: ClipInfo

    def __post_init__(self) -> None:
        arrays = {name: getattr(self, name) for name in ARRAYS}
        require_fit({name: Form(array.shape, array.dtype) for name, array in arrays.items()})

    @property
    def frame_count(self) -> int:
        """Number of frames."""
        return int(self.frames.shape[0])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return int(self.frames.shape[1]), int(self.frames.shape[2])

    def tensors(self) -> ClipTensors:
        """The same as float32 tensors, ready for a batch."""
        return ClipTensors(
            frames=_picture(self.frames),
            inverse_depth=torch.from_numpy(self.inverse_depth.astype(np.float32)).unsqueeze(1),
            bokeh=_picture(self.bokeh),
            flow=torch.from_numpy(self.flow.astype(np.float32)).permute(0, 3, 1, 2).contiguous(),
            flow_valid=torch.from_numpy(self.flow_valid.astype(np.float32)).unsqueeze(1),
        )


@dataclass(frozen=True, slots=True)
class ClipTensors:
    """A clip as float32 tensors.

    frames, bokeh [n, 3, H, W] sRGB 0..1; inverse_depth [n, 1, H, W] 1/m; flow [n - 1, 2, H, W] px;
    flow_valid [n - 1, 1, H, W] 0 or 1.
    """

    frames: Tensor
    inverse_depth: Tensor
    bokeh: Tensor
    flow: Tensor
    flow_valid: Tensor


def _picture(pixels: UInt8) -> Tensor:
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255.0
