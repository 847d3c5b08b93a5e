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
import skimage.data
import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.calibration.data.clip_file import read_clip
from bokehflow.calibration.frames import fit
from bokehflow.calibration.scenes import SCENE_KINDS, make_scene
from bokehflow.media import open_video, read_photo
from bokehflow.specs import Size

RUN_FRAMES = 8
"""Frames of a run, unless an item has fewer or fewer are wanted. Ranges of carried states settle
within it; the sensitivity record shows how they go on."""
STILL_FRAMES = 2 * RUN_FRAMES
"""The most frames that one still picture gives: more would only repeat it."""
WINDOW_SHARES = (0.7, 0.95)
"""Size of the window that moves over a picture, against the largest that fits."""
_SCENE_HEIGHT = 270
PACKAGED_SCENES = SCENE_KINDS[::2]
"""As many scenes as photos, so that neither crowds the other out."""
PACKAGED_PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")
"""Photos inside scikit-image. The Motorcycle pair is held out: artifacts are validated on it."""


@dataclass(frozen=True, slots=True)
class Run:
    """Frames [1, 3, H, W], sRGB 0..1, that follow each other, and what they show."""

    origin: str
    frames: tuple[Tensor, ...]


class Item(Protocol):
    """A picture, a clip or a video. `capacity` is the most frames it can give."""

    @property
    def name(self) -> str: ...

    @property
    def capacity(self) -> int: ...

    def runs(self, count: int, size: Size, rng: np.random.Generator) -> Iterator[Run]:
        """`count` frames of a size, in runs. Raises InputError for what cannot be read."""
        ...


@dataclass(frozen=True, slots=True)
class Still:
    """A still picture; `read` gives it as [1, 3, H, W], sRGB 0..1, or makes it for a size."""

    name: str
    read: Callable[[Size], Tensor]
    capacity: int = STILL_FRAMES

    def runs(self, count: int, size: Size, rng: np.random.Generator) -> Iterator[Run]:
        """One run: a window that moves evenly from one random place to another."""
        yield Run(self.name, tuple(moving_window(self.read(size), size, count, rng)))


@dataclass(frozen=True, slots=True)
class ClipFile:
    """A clip made by `bfx data make`."""

    path: Path
    capacity: int

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def runs(self, count: int, size: Size, rng: np.random.Generator) -> Iterator[Run]:
        """One run from a random place."""
        clip = read_clip(self.path)
        first = int(rng.integers(self.capacity - count + 1))
        pixels = torch.from_numpy(clip.frames[first : first + count]).permute(0, 3, 1, 2)
        yield Run(self.name, tuple(fit(picture[None], size) for picture in pixels.float() / 255.0))


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A video; `capacity` is the number of its frames that can be read."""

    path: Path
    capacity: int

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def runs(self, count: int, size: Size, rng: np.random.Generator) -> Iterator[Run]:
        """Runs of RUN_FRAMES at random places, in order and without overlap."""
        lengths = split_evenly(count, -(-count // RUN_FRAMES))
        skipped = np.sort(rng.integers(0, self.capacity - count + 1, len(lengths)))
        starts = [int(gap) + sum(lengths[:i]) for i, gap in enumerate(skipped)]
        wanted = {
            start + i: start for start, n in zip(starts, lengths, strict=True) for i in range(n)
        }
        found: dict[int, list[Tensor]] = {}
        with open_video(self.path) as video:
            for number in range(max(wanted) + 1):
                image = next(video.frames).image
                if number in wanted:
                    found.setdefault(wanted[number], []).append(fit(image, size))
        for start, frames in found.items():
            yield Run(f"{self.name} from frame {start + 1}", tuple(frames))


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
        frame = F.interpolate(cut, (size.height, size.width), mode="bicubic", antialias=True)
        yield frame.clamp(0.0, 1.0)


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
        pixels = getattr(skimage.data, name)()
        return torch.from_numpy(pixels.astype(np.float32) / 255.0).permute(2, 0, 1)[None]

    return read


def _scene(kind: str, seed: int) -> Callable[[Size], Tensor]:
    def make(size: Size) -> Tensor:
        width = round(_SCENE_HEIGHT * max(1.0, size.width / size.height))
        # One ray a pixel: the sharp frame is all that is wanted.
        return make_scene(kind, seed, _SCENE_HEIGHT, width, samples=1).frame

    return make
