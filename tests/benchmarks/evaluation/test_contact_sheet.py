"""The contact sheet: a readable picture of modest size, near things warm."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from bokehflow.benchmarks.evaluation.contact_sheet import (
    CAPTION_PX,
    GAP_PX,
    HEADINGS,
    TILE_HEIGHT_PX,
    TILE_WIDTH_PX,
    colour_depth,
    photo_row,
    write_contact_sheet,
)
from bokehflow.benchmarks.evaluation.photos import photo_count, real_photos
from bokehflow.errors import MediaError
from bokehflow.media import write_photo
from tests.benchmarks.evaluation.samples import tiny_sight


def test_near_is_warm_and_far_is_cold() -> None:
    depth = torch.logspace(0, 1, 32).expand(1, 1, 8, 32)
    near, far = colour_depth(depth)[0, :, 0, 0], colour_depth(depth)[0, :, 0, -1]
    assert near[0] > 2 * near[2]
    assert far[2] > 2 * far[0]
    assert torch.isfinite(colour_depth(torch.ones(1, 1, 8, 8))).all()


@pytest.mark.parametrize(("photos", "columns", "lines"), [(1, 1, 1), (3, 2, 2)])
def test_a_sheet_holds_a_block_a_photo(
    tmp_path: Path, photos: int, columns: int, lines: int
) -> None:
    row = photo_row(tiny_sight().model, torch.rand(1, 3, 36, 52))
    assert [picture.shape for picture in row] == [(1, 3, 36, 52)] * (1 + len(HEADINGS))
    path = tmp_path / "sheet.jpg"
    assert write_contact_sheet(path, [(f"photo {n}", row) for n in range(photos)]) == photos
    block = ((1 + len(HEADINGS)) * (TILE_WIDTH_PX + GAP_PX), CAPTION_PX + TILE_HEIGHT_PX + GAP_PX)
    with Image.open(path) as sheet:
        assert sheet.size == (columns * block[0], lines * block[1])


def test_photos_of_a_folder_follow_the_packaged_ones(tmp_path: Path) -> None:
    write_photo(tmp_path / "mine.png", torch.rand(1, 3, 30, 41))
    found = list(real_photos([tmp_path]))
    assert len(found) == photo_count([tmp_path])
    assert found[-1][0] == "mine"
    assert found[-1][1].shape == (1, 3, 28, 40)
    assert all(max(photo.shape[2:]) <= 512 for _, photo in found)
    with pytest.raises(MediaError, match="not a folder"):
        photo_count([tmp_path / "nowhere"])
