"""What one `bfx render` is asked to do, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from bokehflow.cli.frame_source import FrameSource
from bokehflow.cli.lens_options import LensValues
from bokehflow.cli.render_files import RenderFiles
from bokehflow.focus import Focus, found_focus
from bokehflow.optics import Lens, nearest_focus_m


class FocusedLens(NamedTuple):
    """A lens, and whether what it is to be focused on is seen at its focus."""

    lens: Lens
    settled: bool = True


@dataclass(frozen=True, slots=True)
class RenderJob:
    """Which files, with which lens, focused where, and who renders the frames."""

    files: RenderFiles
    lens: LensValues
    focus: Focus
    frames: FrameSource

    def focused_lens(self, image: Tensor) -> FocusedLens:
        """The lens, focused where it was asked to in this first frame [1, 3, H, W].

        The depth is looked at only where the focus depends on it. Raises UsageError and LensError.
        """

        def look(focus_m: float) -> float:
            lens = self.lens.focused_at(focus_m)
            return self.focus.distance_in(self.frames.depth(image, 0, lens))

        if self.focus.distance_m is not None:
            return FocusedLens(self.lens.focused_at(self.focus.distance_m))
        # A network that sees the scene nearer is told of a nearer focus.
        farther = max(1.0, self.frames.depth_scale)
        first_m = self.lens.provisional_focus_m * farther
        nearest_m = nearest_focus_m(self.lens.focal_length_mm) * farther
        found = found_focus(look, first_m, nearest_m)
        return FocusedLens(self.lens.focused_at(found.distance_m), found.settled)


@dataclass(frozen=True, slots=True)
class RenderOutcome:
    """What was rendered, through which lens, its focus settled or not.

    audio_streams, unknown_audio_streams: copied and left out, as `VideoInfo` has them;
    depth_pixels_beyond_png: as `media.write_depth` counts them; held_back: as `RenderedFrame` has
    it, over all frames.
    """

    focused: FocusedLens
    height: int
    width: int
    frames: int
    audio_streams: int
    unknown_audio_streams: int
    depth_pixels_beyond_png: int
    held_back: int
