"""The pictures that packages hold: a sound list, and folders that `find_material` reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bokehflow.calibration.data.material import find_material
from bokehflow.calibration.data.packaged_material import (
    LONGEST_SIDE_PX,
    PackagedFile,
    collect,
    packaged_files,
)
from bokehflow.calibration.data.split import SPLITS, split_of_name
from bokehflow.errors import InputError

ROLES = ("photos", "cutouts", "photos-heldout")


def test_the_list_names_each_file_once_with_its_licence_and_height() -> None:
    files = packaged_files()
    assert len({(file.role, file.file) for file in files}) == len(files)
    assert {file.role for file in files} == set(ROLES)
    assert all(file.author and file.licence for file in files)
    assert all(bool(file.height_m) == (file.role == "cutouts") for file in files)


def test_nothing_is_both_trained_on_and_held_out() -> None:
    paths = [file.path for file in packaged_files()]
    assert len(set(paths)) == len(paths)
    assert sum(file.role == "photos-heldout" for file in packaged_files()) >= 20


@pytest.mark.parametrize("role", ["photos", "cutouts"])
def test_both_sides_of_the_split_have_material(role: str) -> None:
    names = [file.file for file in packaged_files() if file.role == role]
    assert {split_of_name(name) for name in names} == set(SPLITS)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where only the packages of two files are unpacked."""
    photo, cutout = _first("photos"), _first("cutouts")
    pixels = np.zeros((20, LONGEST_SIDE_PX + 100, 4), dtype=np.uint8)
    for file, alpha in ((photo, 255), (cutout, 0)):
        pixels[:, :, 3] = alpha
        pixels[5:15, 5:15] = 255
        place = tmp_path / file.path
        place.parent.mkdir(parents=True)
        Image.fromarray(pixels).convert("RGBA" if file is cutout else "RGB").save(place)
    return tmp_path


def _first(role: str) -> PackagedFile:
    return next(f for f in packaged_files() if f.role == role and f.source == "debian")


def test_what_is_there_is_collected_shrunk_and_described(root: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    counts = collect(made, root, skip_missing=True).counts
    assert counts["photos"] == counts["cutouts"] == 1
    found = find_material(made / "photos", made / "cutouts")
    assert found.photos[0].licence == _first("photos").licence
    assert found.cutouts[0].height_m == float(_first("cutouts").height_m)
    with Image.open(found.photos[0].path) as picture:
        assert max(picture.size) == LONGEST_SIDE_PX


def test_missing_packages_are_named_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"apt-get install --no-install-recommends .*mate-backgr"):
        collect(tmp_path / "made", tmp_path)
    assert not (tmp_path / "made").exists()
