"""Frames rendered by an exported artifact, in the engine that runs it."""

from __future__ import annotations

import torch
from torch import Tensor

from bokehflow.cli.frame_source import NetworkFacts, RenderedBy, RenderedFrame, pixels_beyond
from bokehflow.errors import SizeError
from bokehflow.export import Artifact
from bokehflow.layers.temporal import State
from bokehflow.model import depth_scale
from bokehflow.optics import Lens
from bokehflow.runtimes import Session
from bokehflow.runtimes.carried_state import Arrays, show_frame
from bokehflow.signature import STATE_PAIRS
from bokehflow.specs import Size


class ArtifactFrames:
    """Depth and bokeh from a session. The frame size is the artifact's own."""

    def __init__(self, artifact: Artifact, session: Session, source_fov_deg: float | None) -> None:
        self._artifact, self._session = artifact, session
        self._source_fov_deg = source_fov_deg or artifact.manifest.canonical_fov_deg
        self.depth_scale = depth_scale(source_fov_deg, artifact.manifest.canonical_fov_deg)

    def depth(self, image: Tensor, index: int, lens: Lens) -> Tensor:
        """The network's depth in a first frame."""
        return self.render(image, index, lens, None).depth

    def render(self, image: Tensor, index: int, lens: Lens, state: State | None) -> RenderedFrame:  # noqa: ARG002
        """One frame of the session; a first one as often as its segments need.

        Raises SizeError for a frame that the artifact is not for.
        """
        expected, found = self._artifact.manifest.frame_size, Size(*image.shape[2:])
        if found != expected:
            raise SizeError(
                f"a frame of {found}",
                f"{expected} (height x width), the size {self._artifact.given} was exported for",
                f"bfx export --size {found}",
            )
        seen = lens.seen_with_depth_scaled(1.0 / self.depth_scale)
        outputs, carried = show_frame(
            self._artifact.manifest, self._session, image.numpy(), seen, _as_arrays(state)
        )
        next_state = State(*(torch.from_numpy(carried[name]) for name in STATE_PAIRS))
        depth_m = torch.from_numpy(outputs["depth"]) * self.depth_scale
        reach_px = self._artifact.manifest.render.reach_px(found.height, found.width)
        held_back = pixels_beyond(reach_px, depth_m, lens)
        return RenderedFrame(torch.from_numpy(outputs["bokeh"]), depth_m, next_state, held_back)

    def describe(self, frame: Size) -> RenderedBy:  # noqa: ARG002
        """Which artifact ran, where and how, with which weights, trained or not."""
        manifest, info = self._artifact.manifest, self._session.info
        facts = NetworkFacts(
            runtime_version=info.version,
            mode=info.mode,
            artifact=self._artifact.given,
            artifact_sha256=manifest.artifact_sha256,
            variant=manifest.variant,
            network_size=str(manifest.network_size),
            tsp=manifest.temporal.tsp,
            segments=manifest.temporal.segments,
            precision=manifest.precision,
            trained=manifest.trained,
            weights_sha256=manifest.weights_sha256,
            source_fov_deg=self._source_fov_deg,
        )
        return RenderedBy(manifest.render.quality, info.runtime, facts)


def _as_arrays(state: State | None) -> Arrays | None:
    if state is None:
        return None
    return {name: x.numpy() for name, x in zip(STATE_PAIRS, state, strict=True)}
