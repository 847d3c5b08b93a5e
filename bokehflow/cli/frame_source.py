"""What renders frames, whatever it is: depth maps in files, the network, an exported artifact.

All answer the same questions, so that photos and videos need one loop each. State comes in and goes
out; only the caller carries it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
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


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """The network that made the depth, and how it ran.

    artifact, artifact_sha256: None for the reference model. source_fov_deg: horizontal, of the
    camera that took the frames.
    """

    runtime_version: str
    mode: str
    artifact: Path | None
    artifact_sha256: str | None
    variant: str
    network_size: str
    tsp: str
    segments: int
    precision: str
    trained: bool
    weights_sha256: str
    source_fov_deg: float


@dataclass(frozen=True, slots=True)
class RenderedBy:
    """What rendered frames: the renderer's quality, and the engine that it ran in.

    network: None where depth came from files.
    """

    quality: str
    runtime: str
    network: NetworkFacts | None = None

    @property
    def depth_from(self) -> str:
        """ "network" or "file"."""
        return "file" if self.network is None else "network"

    @property
    def mode(self) -> str:
        """How the engine ran."""
        return "executed" if self.network is None else self.network.mode

    @property
    def trained(self) -> bool:
        """Whether the weights have learned something; depth maps need none."""
        return self.network is None or self.network.trained

    def document(self) -> dict[str, object]:
        """For the result's JSON: the same keys whatever ran a network."""
        return {
            "depth_from": self.depth_from,
            "quality": self.quality,
            "runtime": self.runtime,
            **({} if self.network is None else asdict(self.network)),
        }


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

    def describe(self, frame: Size) -> RenderedBy:
        """What rendered frames of that size."""
        ...
