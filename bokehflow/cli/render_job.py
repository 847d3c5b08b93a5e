"""What one `bfx render` is asked to do, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from bokehflow.cli.frame_source import FrameSource
from bokehflow.cli.lens_options import LensValues
from bokehflow.cli.render_files import RenderFiles
from bokehflow.focus import Focus, settled_focus_m
from bokehflow.optics import Lens


@dataclass(frozen=True, slots=True)
class RenderJob:
    """Which files, with which lens, focused where, and who renders the frames."""

    files: RenderFiles
    lens: LensValues
    focus: Focus
    frames: FrameSource

    def focused_lens(self, image: Tensor) -> Lens:
        """The lens, focused where it was asked to in this first frame [1, 3, H, W].

        The depth is looked at only where the focus depends on it. Raises UsageError and LensError.
        """

        def look(focus_m: float) -> float:
            lens = self.lens.focused_at(focus_m)
            return self.focus.distance_in(self.frames.depth(image, 0, lens))

        focus_m = self.focus.distance_m
        if focus_m is None:
            # As near as any network that sees the scene nearer can still be told.
            nearest = self.lens.provisional_focus_m * max(1.0, self.frames.depth_scale)
            focus_m = settled_focus_m(look, nearest)
        return self.lens.focused_at(focus_m)


@dataclass(frozen=True, slots=True)
class RenderOutcome:
    """What was rendered. audio_streams, unknown_audio_streams: copied and left out, as `VideoInfo`
    has them; depth_pixels_beyond_png: as `media.write_depth` counts them; held_back: as
    `RenderedFrame` has it, over all frames."""

    lens: Lens
    height: int
    width: int
    frames: int
    audio_streams: int
    unknown_audio_streams: int
    depth_pixels_beyond_png: int
    held_back: int
