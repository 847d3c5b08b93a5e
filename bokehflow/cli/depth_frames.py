"""Frames rendered with depth maps from files. Needs no network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from bokehflow.cli.frame_source import RenderedBy, RenderedFrame
from bokehflow.cli.terminal import progress_bar
from bokehflow.errors import MediaError
from bokehflow.layers.temporal import State
from bokehflow.media import DEPTH_SUFFIXES, open_video, read_depth
from bokehflow.media.listing import files_ending_in
from bokehflow.optics import Lens
from bokehflow.rendering import RenderConfig
from bokehflow.rendering import render as render_frame
from bokehflow.specs import Size


class DepthFrames:
    """One depth map a frame, in order (`require_one_a_frame`)."""

    depth_scale = 1.0

    def __init__(self, files: Sequence[Path], config: RenderConfig) -> None:
        self._files, self._config = files, config

    def depth(self, image: Tensor, index: int, lens: Lens) -> Tensor:  # noqa: ARG002
        """The depth map of frame `index`. Raises MediaError where it is bad."""
        return read_depth(self._files[index], image.shape[2], image.shape[3])

    def render(self, image: Tensor, index: int, lens: Lens, state: State | None) -> RenderedFrame:
        """Render with the frame's own depth map; the state passes through untouched."""
        depth_m = self.depth(image, index, lens)
        return RenderedFrame(render_frame(image, depth_m, lens, self._config), depth_m, state)

    def describe(self, frame: Size) -> RenderedBy:  # noqa: ARG002
        """The renderer alone."""
        return RenderedBy(self._config.quality, "torch")


def depth_files(depth: Path, is_video: bool) -> Sequence[Path]:
    """The depth map of a photo, or those of a video's frames: a folder, in the order of names, in
    which 2 comes before 10.

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
    files = sorted(files_ending_in(DEPTH_SUFFIXES, depth), key=_by_number)
    if not files:
        raise MediaError(f"--depth {depth} holds no .npy or .png files", "one depth map a frame")
    return files


def require_one_a_frame(files: Sequence[Path], source: Path, *, tone_map: bool) -> None:
    """Look through a video and its depth maps before hours of rendering.

    Decoding costs little beside that. Raises MediaError where their numbers differ,
    where a depth map is bad, and for a video that `media.open_video` does not read to its end.
    """
    with (
        open_video(source, tone_map=tone_map) as video,
        progress_bar("looking through", video.info.frame_count) as advance,
    ):
        frames = 0
        for _ in video.coded:
            if frames < len(files):
                read_depth(files[frames], video.info.height, video.info.width)
            frames += 1
            advance()
    if frames != len(files):
        raise MediaError(f"{len(files)} depth maps for {frames} frames", "one depth map a frame")


def _by_number(file: Path) -> list[tuple[bool, int, str]]:
    """A key by which numbers inside names count as numbers."""
    parts = re.findall(r"\d+|\D+", file.name)
    return [(False, int(p), "") if p.isdecimal() else (True, 0, p) for p in parts]
