"""What one `bfx render` is asked to do, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from bokehflow.cli.focus import Focus
from bokehflow.cli.frame_source import FrameSource
from bokehflow.cli.lens_options import LensValues
from bokehflow.cli.render_files import is_video
from bokehflow.optics import Lens


@dataclass(frozen=True, slots=True)
class RenderJob:
    """Where from, where to, with which lens. `depth_out` is a file for a photo, else a folder."""

    source: Path
    output: Path
    depth_out: Path | None
    side_by_side: Path | None
    lens: LensValues
    focus: Focus
    frames: FrameSource

    @property
    def is_video(self) -> bool:
        """Whether the source is a video."""
        return is_video(self.source)

    def focused_lens(self, image: Tensor) -> Lens:
        """The lens, focused where it was asked to in this first frame [1, 3, H, W].

        The depth is looked at only where the focus depends on it. Raises UsageError and LensError.
        """
        focus_m = self.focus.distance_m
        if focus_m is None:
            provisional = self.lens.focused_at(self.lens.provisional_focus_m)
            focus_m = self.focus.distance_in(self.frames.depth(image, 0, provisional))
        return self.lens.focused_at(focus_m)


@dataclass(frozen=True, slots=True)
class RenderOutcome:
    """What was rendered. depth_pixels_beyond_png: as `media.write_depth` counts them."""

    lens: Lens
    height: int
    width: int
    frames: int
    audio_streams: int
    depth_pixels_beyond_png: int
