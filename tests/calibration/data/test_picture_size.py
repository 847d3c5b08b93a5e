"""Sizes of pictures without their pixels, and every kind of damage as one plain error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bokehflow.calibration.data.picture_size import array_size, picture_size
from bokehflow.errors import MediaError
from tests.media.samples import (
    write_huge_png,
    write_png,
    write_png_with_cut_exif,
)
from tests.media.test_heif import HEIGHT, WIDTH, write_heic


def test_the_size_is_that_of_the_displayed_picture(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", 5, 7)
    assert picture_size(tmp_path / "a.png") == (5, 7)
    write_heic(tmp_path / "a.heic", sideways=True)
    assert picture_size(tmp_path / "a.heic") == (HEIGHT, WIDTH)


def test_damage_of_any_kind_is_one_plain_error(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with pytest.raises(MediaError, match="does not exist"):
        picture_size(path)
    write_huge_png(path)
    with pytest.raises(MediaError, match="cannot be read"):
        picture_size(path)
    write_png_with_cut_exif(path, 5, 7)
    with pytest.raises(MediaError, match="cannot be read"):
        picture_size(path)
    write_png(path, 5, 7)
    whole = path.read_bytes()
    path.write_bytes(whole[:45] + bytes([whole[45] ^ 1]) + whole[46:])
    with pytest.raises(MediaError, match="cannot be read"):
        picture_size(path)
    path.write_bytes(b"no picture")
    with pytest.raises(MediaError, match="not a picture"):
        picture_size(path)


def test_a_damaged_array_header_is_one_plain_error(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.ones((5, 7), np.float32))
    assert array_size(path) == (5, 7)
    whole = path.read_bytes()
    for found, put in ((b"}", b"#"), (b"(5,", b"(-5"), (b"'shape'", b"'shale'")):
        path.write_bytes(whole.replace(found, put, 1))
        with pytest.raises(MediaError, match="cannot be read"):
            array_size(path)
