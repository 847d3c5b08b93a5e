"""A clip read again after it was found: still the one that a run was planned with."""

from __future__ import annotations

import dataclasses

import numpy as np

from bokehflow.calibration.data.clip import Clip
from bokehflow.calibration.data.clip_file import read_clip
from bokehflow.calibration.data.folder import FoundClip
from bokehflow.errors import InputError
from bokehflow.specs import Size

_NUMBERS = {"depth": ("inverse_depth",), "flow": ("flow", "flow_valid")}
"""The arrays of the truths that a stage may meet without knowing them."""


def read_found(entry: FoundClip) -> Clip:
    """The clip of this entry, with zeros for the depth and the flow that it does not hold, and no
    cues of a depth that it does not.

    Raises InputError for a file that cannot be read, or that holds other frames than those found.
    """
    clip = read_clip(entry.path)
    if (clip.frame_count, Size(*clip.size)) != (entry.frames, entry.size):
        raise InputError(
            f"{entry.path} has changed since the run began",
            f"{entry.frames} frames of {entry.size}",
            "go on with --resume",
        )
    # What stands for them may be no numbers, which no weight of 0 takes out of a loss.
    unknown = [
        name for truth, names in _NUMBERS.items() if truth not in entry.known for name in names
    ]
    blank = {name: np.zeros_like(getattr(clip, name)) for name in unknown}
    cues = clip.info.depth_cues and "depth" in entry.known
    return dataclasses.replace(clip, info=dataclasses.replace(clip.info, depth_cues=cues), **blank)
