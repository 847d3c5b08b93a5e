"""Runs of frames that follow each other, and which of their frames become samples.

Of a short run all frames do. A long run is sampled here and there, the first frame and the last
included, and only carries its state in between: what the network makes of frame 32 is seen for less
than calibrating on all before it.

Every frame is run at the size that samples have. At half of it each costs a quarter, but leaves
another state, though of nearly the same norm: only weights that forget within a frame or two would
not show that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

RUN_FRAMES = 8
"""Samples of a run, unless an item has fewer or fewer are wanted."""
LONG_RUN_FRAMES = 32
"""Frames of a long run: about a second of video."""
LONG_RUN_EVERY = 32
"""Samples for which there is one long run, so that carrying states costs no more than drawing."""


@dataclass(frozen=True, slots=True)
class Run:
    """Frames [1, 3, H, W], sRGB 0..1, that follow each other, and what they show.

    frames: as many as the last of `steps` says, and may be made while they are read, once.
    steps: the numbers of those that become samples, from 1, in order.
    """

    origin: str
    frames: Iterable[Tensor]
    steps: tuple[int, ...]


def sampled_steps(count: int, drawn: int) -> tuple[int, ...]:
    """The frames of a run that become its `count` samples, by their numbers from 1.

    drawn: how many samples the runs before give. A run is long if it holds a sample whose number
    among all of them, from 0, is divisible by LONG_RUN_EVERY: the first run always is. A long run
    of a single sample ends in it, and one of more than LONG_RUN_FRAMES is sampled throughout.
    """
    is_long = -drawn % LONG_RUN_EVERY < count
    if not is_long or count >= LONG_RUN_FRAMES:
        return tuple(range(1, count + 1))
    if count == 1:
        return (LONG_RUN_FRAMES,)
    return tuple(np.linspace(1, LONG_RUN_FRAMES, count).round().astype(int).tolist())


def there_and_back(steps: int, frames: int) -> list[int]:
    """Which of `frames` frames stands at each of the steps of a walk over them from the first to
    the last, back, and so on."""
    places = [*range(frames), *range(frames - 2, 0, -1)]
    return [places[step % len(places)] for step in range(steps)]
