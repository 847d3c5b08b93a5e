from __future__ import annotations

import dataclasses
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from bokehflow.errors import MediaError
from bokehflow.media.video_orientation import orientation_of
from tests.media.reading import levels_of, read_all
from tests.media.samples import Clip, set_display_matrix, write_clip
from tests.tolerances import VIDEO_MEAN_LEVELS

# The matrix a phone writes when it is held so, and what it shows: numpy's quarter turns.
TURNS = {
    "upright": ((1, 0, 0, 1), 0),
    "clockwise": ((0, 1, -1, 0), -1),
    "upside down": ((-1, 0, 0, -1), 2),
    "counterclockwise": ((0, -1, 1, 0), 1),
}


@pytest.mark.parametrize("turn", TURNS)
def test_the_display_matrix_turns_frames_upright(tmp_path: Path, turn: str) -> None:
    matrix, quarter_turns = TURNS[turn]
    write_clip(tmp_path / "plain.mp4")
    (tmp_path / "turned.mp4").write_bytes((tmp_path / "plain.mp4").read_bytes())
    set_display_matrix(tmp_path / "turned.mp4", matrix)
    _, plain = read_all(tmp_path / "plain.mp4")
    info, turned = read_all(tmp_path / "turned.mp4")
    expected = np.rot90(levels_of(plain[0]), quarter_turns)
    assert (info.height, info.width) == expected.shape[:2]
    assert np.array_equal(levels_of(turned[0]), expected)


@pytest.mark.parametrize("matrix", [(-1, 0, 0, 1), (1, 0, 0, -1), (0, 1, 1, 0), (0, -1, -1, 0)])
def test_a_mirrored_video_is_shown_as_its_matrix_says(
    tmp_path: Path, matrix: tuple[int, int, int, int]
) -> None:
    write_clip(tmp_path / "plain.mp4")
    (tmp_path / "facing.mp4").write_bytes((tmp_path / "plain.mp4").read_bytes())
    set_display_matrix(tmp_path / "facing.mp4", matrix)
    stored = levels_of(read_all(tmp_path / "plain.mp4")[1][0])
    info, shown = read_all(tmp_path / "facing.mp4")
    # Pixel by pixel: x goes to a x + c y, and y to b x + d y (ISO/IEC 14496-12, section 8.2.2).
    a, b, c, d = matrix
    y, x = np.mgrid[: stored.shape[0], : stored.shape[1]]
    to_x, to_y = a * x + c * y, b * x + d * y
    expected = np.empty((np.ptp(to_y) + 1, np.ptp(to_x) + 1, 3), np.uint8)
    expected[to_y - to_y.min(), to_x - to_x.min()] = stored
    assert (info.height, info.width) == expected.shape[:2]
    assert np.array_equal(levels_of(shown[0]), expected)


class _BesideUnknownData:
    """A frame with side data of a kind that PyAV does not know."""

    def __init__(self, frame: av.VideoFrame) -> None:
        self.rotation = frame.rotation

    @property
    def side_data(self) -> object:
        raise ValueError("31 is not a valid Type")


@pytest.mark.parametrize("turn", TURNS)
def test_a_frame_is_turned_beside_side_data_of_an_unknown_kind(tmp_path: Path, turn: str) -> None:
    path = tmp_path / "a.mp4"
    write_clip(path)
    matrix, quarter_turns = TURNS[turn]
    set_display_matrix(path, matrix)
    with av.open(str(path)) as container:
        frame: Any = _BesideUnknownData(next(container.decode(video=0)))
    assert orientation_of(frame, path) == (False, quarter_turns % 4)


def test_an_odd_angle_is_refused(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4")
    set_display_matrix(tmp_path / "a.mp4", (1, 1, -1, 1))
    with pytest.raises(MediaError, match="odd angle"):
        read_all(tmp_path / "a.mp4")


@pytest.mark.parametrize(
    ("aspect", "width"), [(Fraction(4, 3), 86), (Fraction(1, 2), 32), (Fraction(1), 64)], ids=str
)
@pytest.mark.parametrize("sideways", [False, True], ids=["upright", "sideways"])
def test_pixels_are_made_square(
    tmp_path: Path, aspect: Fraction, width: int, sideways: bool
) -> None:
    path = tmp_path / "a.mp4"
    written = write_clip(path, Clip(sample_aspect_ratio=aspect))
    wanted = np.asarray(Image.fromarray(written[0]).resize((width, 48), Image.Resampling.BICUBIC))
    if sideways:
        set_display_matrix(path, (0, 1, -1, 0))
        wanted = np.rot90(wanted, -1)
    info, frames = read_all(path)
    assert (info.height, info.width) == wanted.shape[:2]
    assert np.abs(levels_of(frames[0]).astype(float) - wanted).mean() < VIDEO_MEAN_LEVELS


def test_pixels_that_are_square_but_for_a_rounding_are_left_alone(tmp_path: Path) -> None:
    lossless = Clip(1, 33, 51, "libx264rgb", "rgb24", encoding=(("qp", "0"),))
    rounded = dataclasses.replace(lossless, sample_aspect_ratio=Fraction(100, 99))
    written = write_clip(tmp_path / "a.mp4", rounded)
    info, frames = read_all(tmp_path / "a.mp4")
    assert (info.height, info.width) == (33, 51)
    assert np.array_equal(levels_of(frames[0]), written[0])
