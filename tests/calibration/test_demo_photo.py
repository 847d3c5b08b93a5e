"""The photo and the depth that `make demo` renders."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bokehflow.calibration.demo_photo import write_demo_photo
from bokehflow.calibration.motorcycle import motorcycle
from bokehflow.errors import OutputError
from bokehflow.media import read_depth, read_photo


def test_photo_and_depth_are_those_of_the_pair(tmp_path: Path) -> None:
    photo, depth = write_demo_photo(tmp_path / "out")
    pair = motorcycle()
    image = read_photo(photo)
    assert torch.equal(image, pair.left)
    assert torch.equal(read_depth(depth, *image.shape[2:]), pair.depth_m)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        write_demo_photo(tmp_path / "file" / "out")
