"""Which files of a folder its readers see."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bokehflow.media.listing import files_ending_in


def names(folder: Path, *, within: bool) -> list[str]:
    found = files_ending_in((".png",), folder, within=within)
    return [path.relative_to(folder).as_posix() for path in found]


def test_folders_within_are_searched_where_asked_and_hidden_ones_never(tmp_path: Path) -> None:
    for name in ("b.png", "A.PNG", "in/c.png", ".d.png", ".hidden/e.png", "f.txt", "g.png/h"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert names(tmp_path, within=False) == ["A.PNG", "b.png"]
    assert names(tmp_path, within=True) == ["A.PNG", "b.png", "in/c.png"]


def test_linked_folders_are_searched_once(tmp_path: Path) -> None:
    for name in ("disk/photos/a.png", "data/z/b.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    data = tmp_path / "data"
    (data / "photos").symlink_to(tmp_path / "disk" / "photos")
    (data / "again").symlink_to(data / "z")
    (data / "z" / "circle").symlink_to(data)
    (data / "nowhere").symlink_to(tmp_path / "gone")
    assert names(data, within=True) == ["photos/a.png", "z/b.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "closed").mkdir(mode=0)
    assert names(tmp_path, within=True) == ["a.png"]
