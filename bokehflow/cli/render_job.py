"""What one `bfx render` is asked to do, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from bokehflow.cli.frame_source import FrameSource
from bokehflow.cli.lens_options import LensValues
from bokehflow.cli.render_files import RenderFiles
from bokehflow.focus import Focus
from bokehflow.optics import Lens


class FocusedLens(NamedTuple):
    """A lens, and whether what it is to be focused on is seen at its focus."""

    lens: Lens
    settled: bool = True


class Shot(NamedTuple):
    """What lies between two cuts, or all of it: the number of its first frame, and its lens."""

    first_frame: int
    focused: FocusedLens


@dataclass(frozen=True, slots=True)
class RenderJob:
    """Which files, with which lens, focused where, and who renders the frames."""

    files: RenderFiles
    lens: LensValues
    focus: Focus
    frames: FrameSource

    def focused_lens(self, image: Tensor, index: int = 0) -> FocusedLens:
        """The lens, focused where it was asked to in the first frame of a shot, [1, 3, H, W].

        index: the frame's number in the video. The depth is looked at only where the focus depends
        on it. Raises UsageError and LensError.
        """

        def depth_m(focus_m: float) -> Tensor:
            return self.frames.depth(image, index, self.lens.focused_at(focus_m))

        found = self.focus.found(depth_m, self.lens.focal_length_mm, self.frames.depth_scale)
        return FocusedLens(self.lens.focused_at(found.distance_m), found.settled)


@dataclass(frozen=True, slots=True)
class RenderOutcome:
    """What was rendered, shot by shot: photos are one, and videos where no cuts are looked for.

    audio_streams, unknown_audio_streams: copied and left out, as `VideoInfo` has them;
    depth_pixels_beyond_png: as `media.write_depth` counts them; held_back: as `RenderedFrame` has
    it, over all frames.
    """

    shots: tuple[Shot, ...]
    height: int
    width: int
    frames: int
    audio_streams: int
    unknown_audio_streams: int
    depth_pixels_beyond_png: int
    held_back: int
