"""The film of real photos: its length, its shots, and a motion that is as it says."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from PIL import Image

from bokehflow.benchmarks.report.film import WINDOW_SHARE, Shot, constant_flow, photo_film
from bokehflow.errors import MediaError
from bokehflow.optics import Lens
from bokehflow.specs import Size
from bokehflow.training.losses import temporal_loss
from tests.tolerances import EIGHT_BIT_STEP


@pytest.mark.parametrize("count", [1, 3, 6, 7, 30])
def test_a_film_has_as_many_frames_as_asked(count: int) -> None:
    film = photo_film(Size(33, 61), count)
    frames = list(film)
    assert len(frames) == len(film) == count
    assert all(frame.image.shape == (1, 3, 33, 61) for frame in frames)
    cuts = [index for index, frame in enumerate(frames) if frame.flow_px is None]
    assert len(cuts) == len(film.shots)
    assert cuts[0] == 0


def test_the_motion_is_what_it_says() -> None:
    columns = torch.linspace(0.0, 6.0, 300).sin() * 0.4 + 0.5
    photo = columns.expand(1, 3, 200, 300).contiguous()
    size = Size(60, 90)
    shot = Shot("waves", photo, Lens(), 4, size, step_px=3)
    frames = [shot.frame(index) for index in range(4)]
    flow, valid = constant_flow(shot.pan_px, size)
    still, _ = constant_flow(0.0, size)
    for before, now in pairwise(frames):
        assert float(temporal_loss(now, before, flow, valid)) < EIGHT_BIT_STEP / 4
        assert float(temporal_loss(now, before, still, valid)) > EIGHT_BIT_STEP


def test_the_window_never_leaves_the_photo() -> None:
    for shot in photo_film(Size(96, 160), 30).shots:
        travelled = shot.step_px * (shot.frames - 1) + shot.window.width
        assert shot.step_px > 0
        assert travelled <= shot.photo.shape[3]
        assert shot.window.height <= WINDOW_SHARE * shot.photo.shape[2] + 1


def test_photos_of_the_users_are_taken_by_name_and_made_no_larger_than_needed(
    tmp_path: Path,
) -> None:
    for name in ("b", "a", "c"):
        Image.new("RGB", (400, 300), "grey").save(tmp_path / f"{name}.png")
    film = photo_film(Size(30, 40), 7, tmp_path)
    assert [shot.name for shot in film.shots] == ["a.png", "b.png"]
    assert all(shot.photo.shape[3] < 50 for shot in film.shots)


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no photos"):
        photo_film(Size(32, 32), 4, tmp_path)
