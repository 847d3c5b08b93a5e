"""Where the depth and the bokeh of a frame come from: depth maps in files, or the network.

Both answer the same two questions, so that photos and videos need one loop each. State comes in and
goes out; only the caller carries it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from torch import Tensor

from bokehflow.cli.render_files import RenderFiles
from bokehflow.cli.render_options import (
    DEFAULT_NETWORK_SIZE,
    DEFAULT_VARIANT,
    QUALITY_WITH_DEPTH,
    QUALITY_WITH_NETWORK,
    NetworkOptions,
    RendererOptions,
)
from bokehflow.errors import MediaError, UsageError
from bokehflow.layers.temporal import State
from bokehflow.media import ExifCamera, read_depth
from bokehflow.model import BokehFlow, ModelConfig, load_model
from bokehflow.optics import Lens
from bokehflow.render import Quality, RenderConfig
from bokehflow.render import render as render_frame


class RenderedFrame(NamedTuple):
    """bokeh: [1, 3, H, W] sRGB; depth: [1, 1, H, W] metres; state: for the next frame."""

    bokeh: Tensor
    depth: Tensor
    state: State | None


class FrameSource(Protocol):
    """Depth and bokeh of frame number `index` (from 0)."""

    def depth(self, image: Tensor, index: int, provisional: Lens) -> Tensor:
        """Depth [1, 1, H, W] in metres before a focus is chosen. Raises MediaError."""
        ...

    def render(self, image: Tensor, index: int, lens: Lens, state: State | None) -> RenderedFrame:
        """The frame as `lens` would have taken it. Raises MediaError and LensError."""
        ...

    def require_used_up(self, frames: int) -> None:
        """Raise MediaError where more than `frames` frames were provided for."""
        ...

    def describe(self) -> Mapping[str, object]:
        """What the depth comes from, for the result's JSON."""
        ...


class DepthFiles:
    """One depth map a frame, in order. Needs no network."""

    def __init__(self, files: Sequence[Path], config: RenderConfig) -> None:
        self._files, self._config = files, config

    def depth(self, image: Tensor, index: int, provisional: Lens) -> Tensor:  # noqa: ARG002
        """The depth map of frame `index`. Raises MediaError where there is none or it is bad."""
        if index >= len(self._files):
            raise MediaError(
                f"{len(self._files)} depth maps, and a frame number {index + 1}",
                "one depth map a frame",
            )
        return read_depth(self._files[index], image.shape[2], image.shape[3])

    def render(self, image: Tensor, index: int, lens: Lens, state: State | None) -> RenderedFrame:
        """Render with the frame's own depth map; the state passes through untouched."""
        depth_m = self.depth(image, index, lens)
        return RenderedFrame(render_frame(image, depth_m, lens, self._config), depth_m, state)

    def require_used_up(self, frames: int) -> None:
        """Raise MediaError where depth maps are left over."""
        if frames != len(self._files):
            raise MediaError(
                f"{len(self._files)} depth maps for {frames} frames", "one depth map a frame"
            )

    def describe(self) -> Mapping[str, object]:
        """Says that depth came from files."""
        return {"depth_from": "file", "quality": self._config.quality}


class NetworkFrames:
    """Depth and bokeh from the network."""

    def __init__(self, model: BokehFlow) -> None:
        self._model = model

    def depth(self, image: Tensor, index: int, provisional: Lens) -> Tensor:  # noqa: ARG002
        """The network's depth for a lens that is focused anywhere."""
        return self._model(image, provisional, None).depth

    def render(
        self,
        image: Tensor,
        index: int,  # noqa: ARG002
        lens: Lens,
        state: State | None,
    ) -> RenderedFrame:
        """One frame of the model."""
        return RenderedFrame(*self._model(image, lens, state))

    def require_used_up(self, frames: int) -> None:
        """The network has no end."""

    def describe(self) -> Mapping[str, object]:
        """Says that depth came from the network, with which weights, trained or not."""
        model = self._model
        return {
            "depth_from": "network",
            "quality": model.config.render.quality,
            "variant": model.network.variant.name,
            "network_size": model.config.network_size,
            "trained": model.weights.trained,
            "weights_sha256": model.weights.sha256,
            "source_fov_deg": model.config.source_fov_deg or model.weights.canonical_fov_deg,
        }


def depth_files(depth: Path, is_video: bool) -> Sequence[Path]:
    """The depth map of a photo, or those of a video's frames: a folder, in the order of names.

    Raises MediaError for a folder with a photo, a single file with a video, or an empty folder.
    """
    if not is_video:
        if depth.is_dir():
            raise MediaError(f"--depth {depth} is a folder", "one depth map for a photo")
        return [depth]
    if not depth.is_dir():
        raise MediaError(
            f"--depth {depth} is not a folder", "for a video, a folder with one depth map a frame"
        )
    files = sorted(file for file in depth.iterdir() if file.suffix.lower() in (".npy", ".png"))
    if not files:
        raise MediaError(f"--depth {depth} holds no .npy or .png files", "one depth map a frame")
    return files


def open_frame_source(
    files: RenderFiles,
    look: RendererOptions,
    network: NetworkOptions,
    exif: ExifCamera | None,
) -> FrameSource:
    """The frame source that the options ask for: `--depth` if given, else the network.

    Raises UsageError for network options together with `--depth`, and whatever is wrong with the
    renderer's options, the weights or the depth files' names.
    """
    if files.depth is not None:
        if network.given():
            raise UsageError(
                "--depth together with " + ", ".join(network.given()),
                "--depth alone, which uses no network, or the network's options alone",
            )
        depths = depth_files(files.depth, files.is_video)
        return DepthFiles(depths, _render_config(look, QUALITY_WITH_DEPTH))
    source_fov_deg = network.source_fov_deg
    if source_fov_deg is None and exif is not None:
        source_fov_deg = exif.horizontal_fov_deg
    config = ModelConfig(
        network_size=network.network_size or DEFAULT_NETWORK_SIZE,
        source_fov_deg=source_fov_deg,
        render=_render_config(look, QUALITY_WITH_NETWORK),
    )
    return NetworkFrames(load_model(network.variant or DEFAULT_VARIANT, network.weights, config))


def _render_config(look: RendererOptions, default_quality: str) -> RenderConfig:
    # RenderConfig checks the name itself, and tells the nearest one.
    quality = cast(Quality, look.quality or default_quality)
    return RenderConfig(
        quality=quality,
        blades=look.blades,
        blade_rotation_deg=look.blade_rotation_deg,
        highlight_recovery=look.highlights,
    )
