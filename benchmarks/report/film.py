"""Short films of real photos: a window moves over each, so that the motion is known exactly."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from bokehflow.calibration.frames import BENCHMARK_LENSES, list_photos, resized
from bokehflow.calibration.motorcycle import motorcycle
from bokehflow.calibration.sample_sources import split_evenly
from bokehflow.media import read_photo
from bokehflow.optics import Lens
from bokehflow.specs import Size

WINDOW_SHARE = 0.85
"""Size of the window, against the largest that fits the photo."""
FASTEST_PAN = 1.0 / 150.0
"""Largest step of the window from frame to frame, in photo widths: a calm pan."""
LEAST_SHOT_FRAMES = 3
"""With more photos than leave so many frames each, the last photos are left out."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One photo and how the window moves over it. photo: [1, 3, H, W], sRGB 0..1.

    step_px: pixels of the photo, to the right, from frame to frame.
    """

    name: str
    photo: Tensor
    lens: Lens
    frames: int
    size: Size
    step_px: int

    @property
    def window(self) -> Size:
        """The window in the photo's pixels: the shape of the frame."""
        height, width = self.photo.shape[2:]
        scale = min(height / self.size.height, width / self.size.width) * WINDOW_SHARE
        return Size(max(1, round(self.size.height * scale)), max(1, round(self.size.width * scale)))

    @property
    def pan_px(self) -> float:
        """Motion of the picture from frame to frame, in pixels of the frame, to the left."""
        return self.step_px * self.size.width / self.window.width

    def frame(self, index: int) -> Tensor:
        """Frame `index` from 0, [1, 3, H, W], sRGB 0..1."""
        height, width = self.photo.shape[2:]
        window = self.window
        top = (height - window.height) // 2
        left = (width - window.width - self.step_px * (self.frames - 1)) // 2
        left += self.step_px * index
        cut = self.photo[:, :, top : top + window.height, left : left + window.width]
        return resized(cut, self.size)


@dataclass(frozen=True, slots=True)
class FilmFrame:
    """One frame [1, 3, H, W] and its lens. flow_px: how far right its content was one frame ago,
    None for the first frame of a shot."""

    image: Tensor
    lens: Lens
    flow_px: float | None


@dataclass(frozen=True, slots=True)
class PhotoFilm:
    """Shots one after the other."""

    shots: tuple[Shot, ...]

    def __len__(self) -> int:
        return sum(shot.frames for shot in self.shots)

    def __iter__(self) -> Iterator[FilmFrame]:
        for shot in self.shots:
            for index in range(shot.frames):
                yield FilmFrame(shot.frame(index), shot.lens, shot.pan_px if index else None)


def photo_film(size: Size, count: int, folder: Path | None = None) -> PhotoFilm:
    """`count` frames over real photos, lenses taken in turn.

    folder: photos of the user's in the order of their names; None takes the packaged Motorcycle
    pair, on which nothing is calibrated or trained. Raises MediaError for a folder without photos
    or a photo that cannot be read.
    """
    most = max(1, count // LEAST_SHOT_FRAMES)
    photos = _packaged()[:most] if folder is None else _own(folder, most, size)
    lengths = split_evenly(count, len(photos))
    return PhotoFilm(
        tuple(
            _shot(name, photo, BENCHMARK_LENSES[i % len(BENCHMARK_LENSES)], frames, size)
            for i, ((name, photo), frames) in enumerate(zip(photos, lengths, strict=True))
        )
    )


def constant_flow(flow_px: float, size: Size) -> tuple[Tensor, Tensor]:
    """Flow to the frame before, [1, 2, H, W] px (x, y), and where it holds, [1, 1, H, W]."""
    flow = torch.zeros(1, 2, size.height, size.width)
    flow[:, 0] = flow_px
    return flow, torch.ones(1, 1, size.height, size.width)


def _shot(name: str, photo: Tensor, lens: Lens, frames: int, size: Size) -> Shot:
    still = Shot(name, photo, lens, frames, size, step_px=0)
    width = photo.shape[3]
    room = (width - still.window.width) // max(1, frames - 1)
    step = min(room, max(1, round(width * FASTEST_PAN)))
    return Shot(name, photo, lens, frames, size, step)


def _packaged() -> list[tuple[str, Tensor]]:
    pair = motorcycle()
    return [("motorcycle, left", pair.left), ("motorcycle, right", pair.right)]


def _own(folder: Path, most: int, size: Size) -> Sequence[tuple[str, Tensor]]:
    return [(path.name, _shrunk(read_photo(path), size)) for path in list_photos(folder)[:most]]


def _shrunk(photo: Tensor, size: Size) -> Tensor:
    """A photo no larger than the film can show: a folder of large ones would fill the memory."""
    height, width = photo.shape[2:]
    scale = max(size.height / height, size.width / width) / WINDOW_SHARE
    if scale >= 1.0:
        return photo
    return resized(photo, Size(math.ceil(height * scale), math.ceil(width * scale)))
