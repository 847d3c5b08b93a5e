"""The photo and the depth that `make demo` renders."""

from __future__ import annotations

from pathlib import Path

import torch

from bokehflow.calibration.demo_photo import write_demo_photo
from bokehflow.calibration.motorcycle import motorcycle
from bokehflow.media import read_depth, read_photo


def test_photo_and_depth_are_those_of_the_pair(tmp_path: Path) -> None:
    photo, depth = write_demo_photo(tmp_path / "out")
    pair = motorcycle()
    image = read_photo(photo)
    assert torch.equal(image, pair.left)
    assert torch.equal(read_depth(depth, *image.shape[2:]), pair.depth_m)
