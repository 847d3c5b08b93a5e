"""A clip read again after it was found: still the one that a run was planned with."""

from __future__ import annotations

from bokehflow.calibration.data.clip import Clip
from bokehflow.calibration.data.clip_file import read_clip
from bokehflow.calibration.data.folder import FoundClip
from bokehflow.errors import InputError
from bokehflow.specs import Size


def read_found(entry: FoundClip) -> Clip:
    """The clip of this entry. Raises InputError for a file that cannot be read, or that holds other
    frames than those found in it."""
    clip = read_clip(entry.path)
    if (clip.frame_count, Size(*clip.size)) != (entry.frames, entry.size):
        raise InputError(
            f"{entry.path} has changed since the run began",
            f"{entry.frames} frames of {entry.size}",
            "go on with --resume",
        )
    return clip
