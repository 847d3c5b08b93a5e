"""HEIC photos as a phone writes them, and without the package that decodes them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import ExifTags, Image

from bokehflow.errors import MediaError, MissingDependencyError
from bokehflow.media.exif import read_exif_camera
from bokehflow.media.levels import to_uint8
from bokehflow.media.photo import read_photo
from tests.media.samples import gradient
from tests.tolerances import JPEG_MEAN_LEVELS

HEIGHT, WIDTH = 48, 64
FOCAL_LENGTH_MM = 6.75


def write_heic(path: Path, *, sideways: bool = False, pictures: int = 1) -> None:
    """A gradient with a lens in its EXIF block; sideways: stored turned, and told to be so."""
    pixels = gradient(HEIGHT, WIDTH)
    stored = pixels.transpose(1, 0, 2)[::-1] if sideways else pixels
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6 if sideways else 1
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLength] = FOCAL_LENGTH_MM
    file = pillow_heif.from_pillow(Image.fromarray(np.ascontiguousarray(stored)))
    file.info["exif"] = exif.tobytes()
    for _ in range(pictures - 1):
        file.add_from_pillow(Image.fromarray(np.zeros((16, 16, 3), np.uint8)))
    file.save(path, quality=100, chroma=444, primary_index=0)


@pytest.mark.parametrize(
    "how", [{}, {"sideways": True}, {"pictures": 3}], ids=["plain", "sideways", "several"]
)
def test_the_picture_is_upright_with_its_colours(tmp_path: Path, how: dict[str, int]) -> None:
    write_heic(tmp_path / "a.heic", **how)  # type: ignore[arg-type]
    image = read_photo(tmp_path / "a.heic")
    assert image.shape == (1, 3, HEIGHT, WIDTH)
    levels = to_uint8(image).astype(int)
    assert np.abs(levels - gradient(HEIGHT, WIDTH)).mean() < JPEG_MEAN_LEVELS


@pytest.mark.parametrize("sideways", [False, True], ids=["upright", "sideways"])
def test_the_lens_is_read_with_the_displayed_size(tmp_path: Path, sideways: bool) -> None:
    write_heic(tmp_path / "a.heic", sideways=sideways)
    camera = read_exif_camera(tmp_path / "a.heic")
    assert (camera.height_px, camera.width_px) == (HEIGHT, WIDTH)
    assert camera.focal_length_tag == pytest.approx(FOCAL_LENGTH_MM)


def test_high_dynamic_range_is_refused(tmp_path: Path) -> None:
    file = pillow_heif.from_pillow(Image.fromarray(gradient(HEIGHT, WIDTH)))
    file.save(tmp_path / "a.heic", save_nclx_profile=True, transfer_characteristics=18)
    with pytest.raises(MediaError, match=r"high dynamic range \(HLG\)"):
        read_photo(tmp_path / "a.heic")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_cut_short_is_one_plain_error(tmp_path: Path, share: float) -> None:
    write_heic(tmp_path / "a.heic")
    content = (tmp_path / "a.heic").read_bytes()
    (tmp_path / "a.heic").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(MediaError, match="cannot be read"):
        read_photo(tmp_path / "a.heic")


def test_without_the_package_the_error_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_heic(tmp_path / "a.heic")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(MissingDependencyError, match=r"bokehflow\[heic\]"):
        read_photo(tmp_path / "a.heic")
