"""Where calibration frames come from: each item gives runs of frames that follow each other.

Photos and scenes become short videos by moving a window over them, as a hand that holds a camera
does. Videos and clips have motion of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from bokehflow.calibration.data.clip_file import read_clip
from bokehflow.calibration.frames import fit, resized
from bokehflow.calibration.materials import packaged_photo
from bokehflow.calibration.sample_runs import RUN_FRAMES, Run, sampled_steps, there_and_back
from bokehflow.calibration.scenes import SCENE_KINDS, make_scene
from bokehflow.media import open_video, read_photo
from bokehflow.specs import Size

STILL_SAMPLES = 2 * RUN_FRAMES
"""The most samples that one still picture gives: more would only repeat it."""
WINDOW_SHARES = (0.7, 0.95)
"""Size of the window that moves over a picture, against the largest that fits."""
_SCENE_HEIGHT = 270
PACKAGED_SCENES = SCENE_KINDS[::2]
"""As many scenes as photos, so that neither crowds the other out."""
PACKAGED_PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")
"""Photos inside scikit-image. The Motorcycle pair is held out: artifacts are validated on it."""


class Item(Protocol):
    """A picture, a clip or a video. `capacity` is the most samples it can give."""

    @property
    def name(self) -> str: ...

    @property
    def capacity(self) -> int: ...

    def runs(self, count: int, size: Size, rng: np.random.Generator, drawn: int) -> Iterator[Run]:
        """Runs of frames of a size, `count` of which become samples.

        drawn: how many samples the items before give, which tells the long runs. A run's frames are
        to be read before the next run is asked for. Raises InputError for what cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Still:
    """A still picture; `read` gives it as [1, 3, H, W], sRGB 0..1, or makes it for a size."""

    name: str
    read: Callable[[Size], Tensor]
    capacity: int = STILL_SAMPLES

    def runs(self, count: int, size: Size, rng: np.random.Generator, drawn: int) -> Iterator[Run]:
        """One run: a window that moves evenly from one random place to another."""
        steps = sampled_steps(count, drawn)
        yield Run(self.name, moving_window(self.read(size), size, steps[-1], rng), steps)


@dataclass(frozen=True, slots=True)
class ClipFile:
    """A clip made by `bfx data make`."""

    path: Path
    capacity: int

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def runs(self, count: int, size: Size, rng: np.random.Generator, drawn: int) -> Iterator[Run]:
        """One run from a random place, there and back where a long one has too few frames."""
        steps = sampled_steps(count, drawn)
        length = min(steps[-1], self.capacity)
        first = int(rng.integers(self.capacity - length + 1))
        pixels = torch.from_numpy(read_clip(self.path).frames[first : first + length])
        frames = [
            fit(picture[None].float() / 255.0, size) for picture in pixels.permute(0, 3, 1, 2)
        ]
        yield Run(self.name, [frames[i] for i in there_and_back(steps[-1], length)], steps)


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A video; `capacity` is the number of its frames that can be read."""

    path: Path
    capacity: int

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def runs(self, count: int, size: Size, rng: np.random.Generator, drawn: int) -> Iterator[Run]:
        """Runs of RUN_FRAMES samples at random places, in order and without overlap.

        A long one goes there and back over its part of the video where that is too short for it.
        """
        counts = split_evenly(count, -(-count // RUN_FRAMES))
        planned = [sampled_steps(n, drawn + sum(counts[:i])) for i, n in enumerate(counts)]
        lengths = _shortened([steps[-1] for steps in planned], counts, self.capacity)
        gaps = np.diff(
            np.sort(rng.integers(0, self.capacity - sum(lengths) + 1, len(counts))), prepend=0
        )
        number = 0
        with open_video(self.path) as video:
            for steps, length, gap in zip(planned, lengths, gaps.tolist(), strict=True):
                for _ in range(gap):
                    next(video.frames)
                frames = [fit(next(video.frames).image, size) for _ in range(length)]
                origin = f"{self.name} from frame {number + gap + 1}"
                yield Run(origin, [frames[i] for i in there_and_back(steps[-1], length)], steps)
                number += gap + length


def _shortened(wanted: Sequence[int], least: Sequence[int], capacity: int) -> list[int]:
    """How many frames of a video each run gets: what is wanted where the capacity allows, and an
    even part of what there is above the least of each otherwise."""
    more = [want - few for want, few in zip(wanted, least, strict=True)]
    spare = share_out(min(sum(more), capacity - sum(least)), more)
    return [few + extra for few, extra in zip(least, spare, strict=True)]


def packaged_photos() -> list[Item]:
    """The photos that come with scikit-image."""
    return [Still(name, _packaged(name)) for name in PACKAGED_PHOTOS]


def synthetic_scenes(seed: int, kinds: Sequence[str] = SCENE_KINDS) -> list[Item]:
    """One layered scene a kind."""
    return [Still(f"{kind} {seed}", _scene(kind, seed)) for kind in kinds]


def photo_file(path: Path) -> Item:
    """A photo of the user's."""
    return Still(path.name, lambda _: read_photo(path))


def moving_window(
    picture: Tensor, size: Size, count: int, rng: np.random.Generator
) -> Iterator[Tensor]:
    """`count` frames of a size: a window of the size's shape moving over a picture [1, 3, H, W]."""
    height, width = picture.shape[2:]
    scale = min(height / size.height, width / size.width) * rng.uniform(*WINDOW_SHARES)
    rows, columns = max(1, int(size.height * scale)), max(1, int(size.width * scale))
    room = np.array([height - rows, width - columns])
    start, end = rng.random(2) * room, rng.random(2) * room
    for place in np.linspace(0.0, 1.0, count):
        top, left = (start + place * (end - start)).astype(int)
        cut = picture[:, :, top : top + rows, left : left + columns]
        yield resized(cut, size)


def split_evenly(count: int, parts: int) -> list[int]:
    """`count` as a sum of `parts` numbers that differ by one at most."""
    return [count // parts + (i < count % parts) for i in range(parts)]


def share_out(count: int, capacities: Sequence[int]) -> list[int]:
    """How many of `count` each item gives: as even as the capacities allow. Their sum suffices."""
    shares = [0] * len(capacities)
    left = count
    while left:
        open_items = [i for i, capacity in enumerate(capacities) if shares[i] < capacity]
        for i, more in zip(open_items, split_evenly(left, len(open_items)), strict=True):
            given = min(more, capacities[i] - shares[i])
            shares[i] += given
            left -= given
    return shares


def _packaged(name: str) -> Callable[[Size], Tensor]:
    def read(_: Size) -> Tensor:
        return packaged_photo(name)

    return read


def _scene(kind: str, seed: int) -> Callable[[Size], Tensor]:
    def make(size: Size) -> Tensor:
        width = round(_SCENE_HEIGHT * max(1.0, size.width / size.height))
        # One ray a pixel: the sharp frame is all that is wanted.
        return make_scene(kind, seed, _SCENE_HEIGHT, width, samples=1).frame

    return make
