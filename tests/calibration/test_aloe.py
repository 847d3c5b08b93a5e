"""The Aloe pair: what the files say, and where they are missing or spoiled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bokehflow.calibration.aloe import DISPARITY, LEFT, aloe
from bokehflow.errors import InputError, MediaError, MissingDependencyError
from tests.media.samples import write_huge_png, write_torn_png


def write_pair(folder: Path, disparity_shape: tuple[int, int] = (5, 7)) -> Path:
    Image.fromarray(np.full((5, 7, 3), 128, np.uint8)).save(folder / LEFT)
    disparity = np.arange(disparity_shape[0] * disparity_shape[1], dtype=np.uint8)
    Image.fromarray(disparity.reshape(disparity_shape)).save(folder / DISPARITY)
    return folder


def test_zero_is_no_measurement(tmp_path: Path) -> None:
    photo = aloe(write_pair(tmp_path))
    assert photo.image.shape == (1, 3, 5, 7)
    assert photo.disparity[0, 3] == 3.0
    assert photo.measured.sum() == 34
    assert not photo.measured[0, 0]


def test_a_missing_package_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingDependencyError, match=r"apt-get install opencv-doc.*--pairs"):
        aloe(tmp_path)


def test_spoiled_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\(4, 7\)"):
        aloe(write_pair(tmp_path, (4, 7)))
    (tmp_path / DISPARITY).write_bytes(b"no picture")
    with pytest.raises(InputError, match="cannot be read"):
        aloe(tmp_path)


def test_damaged_disparities_are_one_plain_error(tmp_path: Path) -> None:
    write_pair(tmp_path)
    write_huge_png(tmp_path / DISPARITY)
    with pytest.raises(MediaError, match="cannot be read"):
        aloe(tmp_path)
    write_torn_png(tmp_path / DISPARITY, 5, 7)
    with pytest.raises(MediaError, match="cannot be read"):
        aloe(tmp_path)
