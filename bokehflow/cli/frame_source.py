"""What renders frames, whatever it is: depth maps in files, the network, an exported artifact.

All answer the same questions, so that photos and videos need one loop each. State comes in and goes
out; only the caller carries it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from torch import Tensor

from bokehflow.layers.temporal import State
from bokehflow.optics import Lens
from bokehflow.specs import Size


class RenderedFrame(NamedTuple):
    """bokeh: [1, 3, H, W] sRGB; depth: [1, 1, H, W] metres; state: for the next frame.

    held_back: pixels that the lens blurs by more than the renderer reaches, and that were blurred
    by no more than that.
    """

    bokeh: Tensor
    depth: Tensor
    state: State | None
    held_back: int = 0


def pixels_beyond(reach_px: float, depth_m: Tensor, lens: Lens) -> int:
    """How many pixels of a depth map [1, 1, H, W] the lens blurs by a larger radius."""
    return int((lens.radius_px(depth_m, depth_m.shape[3]).abs() > reach_px).sum())


class FrameSource(Protocol):
    """Depth and bokeh of frame number `index` (from 0).

    depth_scale: how many times as far away as in its frames a network's scene really is; a lens is
    told to it focused nearer by that. 1 for depth that comes from elsewhere.
    """

    depth_scale: float

    def depth(self, image: Tensor, index: int, lens: Lens) -> Tensor:
        """Depth [1, 1, H, W] in metres as `render` would see it. Raises as that does."""
        ...

    def render(self, image: Tensor, index: int, lens: Lens, state: State | None) -> RenderedFrame:
        """The frame as `lens` would have taken it.

        Raises MediaError, SizeError and LensError for a frame, a depth map or a lens that do not
        fit.
        """
        ...

    def describe(self, frame: Size) -> Mapping[str, object]:
        """For the result's JSON, after frames of that size: `depth_from`, `quality`, `runtime`, and
        where a network made the depth, the same keys whatever ran it."""
        ...
