"""Cuts are found; pans, zooms, flashes and fades are none."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import pytest
import torch
import torch.nn.functional as F
from skimage import data
from torch import Tensor

from bokehflow.media import CutFinder

HEIGHT, WIDTH = 90, 160
FRAMES = 8
PHOTOS = ("astronaut", "chelsea", "coffee")


def photo(name: str) -> Tensor:
    """[1, 3, 180, 320], sRGB 0..1."""
    pixels = torch.from_numpy(getattr(data, name)()[..., :3].copy())
    return F.interpolate(
        pixels.permute(2, 0, 1)[None] / 255.0, (2 * HEIGHT, 2 * WIDTH), mode="area"
    )


def pan(name: str, step_px: int = 3) -> list[Tensor]:
    """A window that moves over a photo."""
    return [
        photo(name)[..., 20 : 20 + HEIGHT, i * step_px : i * step_px + WIDTH] for i in range(FRAMES)
    ]


def zoom(name: str) -> list[Tensor]:
    """A window that grows by 4% a frame, shown at one size."""
    sides = [0.5 * 1.04**i for i in range(FRAMES)]
    windows = [photo(name)[..., : int(2 * HEIGHT * s), : int(2 * WIDTH * s)] for s in sides]
    return [F.interpolate(window, (HEIGHT, WIDTH), mode="area") for window in windows]


def flash(name: str) -> list[Tensor]:
    """One frame is far brighter."""
    frames = pan(name)
    frames[3] = (frames[3] + 0.5).clamp(max=1.0)
    return frames


def fade(name: str) -> list[Tensor]:
    """To black and back."""
    levels = (1.0, 0.6, 0.3, 0.0, 0.0, 0.3, 0.6, 1.0)
    return [frame * level for frame, level in zip(pan(name), levels, strict=True)]


def letterboxed(name: str) -> list[Tensor]:
    """A pan between black bars."""
    frames = [frame.clone() for frame in pan(name)]
    for frame in frames:
        frame[..., :11, :] = 0.0
        frame[..., -11:, :] = 0.0
    return frames


def cuts_in(frames: Sequence[Tensor]) -> list[int]:
    finder = CutFinder()
    return [index for index, frame in enumerate(frames) if finder.begins_shot(frame)]


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("shot", [pan, zoom, flash, fade, letterboxed])
def test_one_shot_has_no_cut(shot: Callable[[str], list[Tensor]], name: str) -> None:
    assert cuts_in(shot(name)) == []


@pytest.mark.parametrize("brightness", [1.0, 0.2])
@pytest.mark.parametrize("shot", [pan, letterboxed])
@pytest.mark.parametrize(("before", "after"), [*itertools.permutations(PHOTOS, 2)])
def test_a_cut_is_found(
    before: str, after: str, shot: Callable[[str], list[Tensor]], brightness: float
) -> None:
    frames = [frame * brightness for frame in (*shot(before), *shot(after))]
    assert cuts_in(frames) == [FRAMES]


def test_a_shot_after_black_frames_is_another_one() -> None:
    black = torch.zeros(1, 3, HEIGHT, WIDTH)
    assert cuts_in([*pan("astronaut"), black, black, *pan("coffee")]) == [FRAMES + 2]
    assert cuts_in([*pan("coffee"), black, black, *pan("coffee")]) == []


def test_nothing_to_see_has_no_cuts() -> None:
    grey = torch.full((1, 3, HEIGHT, WIDTH), 0.5)
    assert cuts_in([grey * level for level in (0.1, 1.0, 0.5, 2.0)]) == []
