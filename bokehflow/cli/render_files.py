"""The files of one `bfx render`: what is a video, and which outputs are refused at once."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from pathlib import Path

from bokehflow.atomic import require_writable
from bokehflow.cli.output_paths import outside_artifacts, require_apart
from bokehflow.errors import MediaError, UsageError
from bokehflow.media import VIDEO_SUFFIXES
from bokehflow.media.depth_file import require_depth_suffix
from bokehflow.media.photo import WRITABLE_SUFFIXES, require_photo_suffix
from bokehflow.media.video_writer import VIDEO_FORMATS, require_video_suffix


@dataclass(frozen=True, slots=True)
class RenderFiles:
    """What is read and what is written. For a video, `depth` and `depth_out` are folders.

    tone_map: whether a video of high dynamic range is shown as sRGB. find_cuts: whether every shot
    of a video begins anew.
    """

    source: Path
    output: Path
    depth: Path | None
    depth_out: Path | None
    side_by_side: Path | None
    tone_map: bool = False
    find_cuts: bool = False

    @property
    def is_video(self) -> bool:
        """Whether the source's suffix says video."""
        return is_video(self.source)

    def require_outputs(self) -> None:
        """Check every output before any work.

        Raises UsageError where two paths are the same file or an option is not for videos, and
        OutputError for a suffix or a place that cannot be written.
        """
        if self.is_video:
            self._require_video_outputs()
        else:
            self._require_photo_outputs()
        outputs = [path for path in (self.output, self.depth_out, self.side_by_side) if path]
        inputs = [path for path in (self.source, self.depth) if path]
        pairs = [*itertools.product(outputs, inputs), *itertools.combinations(outputs, 2)]
        for output, other in pairs:
            require_apart(output, other)
        for output in outputs:
            outside_artifacts(output)
            require_writable(output)

    def _require_video_outputs(self) -> None:
        require_video_suffix(self.output)
        if self.side_by_side is not None:
            raise UsageError("--side-by-side with a video", "a photo")
        if self.depth_out is not None and os.path.lexists(self.depth_out):
            raise UsageError(
                f"--depth-out {self.depth_out} exists", "for a video, a folder still to be made"
            )

    def _require_photo_outputs(self) -> None:
        if self.tone_map:
            raise UsageError("--tone-map with a photo", "a video")
        if self.find_cuts:
            raise UsageError("--cuts with a photo", "a video")
        if is_video(self.output):
            raise MediaError(
                f"the output {self.output} of {self.source}, a photo by its suffix",
                "a photo's name",
                f"a video's name ends in one of {', '.join(VIDEO_SUFFIXES)}",
            )
        require_photo_suffix(self.output)
        if self.depth_out is not None:
            require_depth_suffix(self.depth_out)
        if self.side_by_side is not None:
            require_photo_suffix(self.side_by_side)


def render_files(
    source: Path,
    output: Path | None,
    depth: Path | None,
    depth_out: Path | None,
    side_by_side: Path | None,
    *,
    tone_map: bool = False,
    find_cuts: bool = False,
) -> RenderFiles:
    """The files, with a default output. Raises MediaError for a source that is no file."""
    if not source.name or source.is_dir():
        raise MediaError(f"{source} is a folder", "a photo or a video")
    target = output or default_output(source)
    return RenderFiles(source, target, depth, depth_out, side_by_side, tone_map, find_cuts)


def is_video(path: Path) -> bool:
    """Whether the suffix says video."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def default_output(source: Path) -> Path:
    """`<stem>_bokeh` beside the source, in its own format where that can be written.

    Where not, its suffix stays in the name: `a.heic` and `a.png` give two pictures.
    """
    writable: tuple[str, ...] = tuple(VIDEO_FORMATS) if is_video(source) else WRITABLE_SUFFIXES
    fallback = ".mp4" if is_video(source) else ".png"
    if source.suffix.lower() in writable:
        return source.with_name(f"{source.stem}_bokeh{source.suffix}")
    return source.with_name(f"{source.name}_bokeh{fallback}")
