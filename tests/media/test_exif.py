from __future__ import annotations

import math
import warnings
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from bokehflow.errors import MediaError
from bokehflow.media.exif import read_exif_camera
from bokehflow.media.photo import read_photo
from bokehflow.media.pictures import opened_picture

PHONE = {"FocalLength": 5.7, "FNumber": 1.6, "FocalLengthIn35mmFilm": 26}


def _photo(
    path: Path, tags: dict[str, object], size: tuple[int, int] = (60, 40), orientation: int = 1
) -> Path:
    picture = Image.new("RGB", size)
    exif = picture.getexif()
    exif[ExifTags.Base.Orientation] = orientation
    block = exif.get_ifd(ExifTags.IFD.Exif)
    for name, value in tags.items():
        block[ExifTags.Base[name]] = value
    picture.save(path, exif=exif)
    return path


def test_a_full_frame_camera_is_36_mm_wide(tmp_path: Path) -> None:
    tags = {"FocalLength": 50.0, "FNumber": 1.8, "FocalLengthIn35mmFilm": 50}
    camera = read_exif_camera(_photo(tmp_path / "a.jpg", tags))
    assert camera.focal_length_mm == 50
    assert camera.f_number == pytest.approx(1.8)
    assert camera.sensor_width_mm == pytest.approx(36)
    assert camera.horizontal_fov_deg == pytest.approx(math.degrees(2 * math.atan(18 / 50)))


@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_size_is_that_of_the_displayed_photo(
    tmp_path: Path, orientation: int, suffix: str
) -> None:
    path = _photo(tmp_path / f"a.{suffix}", {}, (80, 60), orientation)
    camera = read_exif_camera(path)
    assert (camera.height_px, camera.width_px) == tuple(read_photo(path).shape[2:])


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_phone_sensor_is_measured_across_the_displayed_width(
    tmp_path: Path, orientation: int
) -> None:
    camera = read_exif_camera(_photo(tmp_path / "a.jpg", PHONE, (80, 60), orientation))
    diagonal_mm = math.hypot(36, 24) * 5.7 / 26
    share = 0.6 if orientation in (6, 8) else 0.8
    assert camera.sensor_width_mm == pytest.approx(diagonal_mm * share)
    half_width = camera.sensor_width_mm / 2 / camera.focal_length_mm
    assert camera.horizontal_fov_deg == pytest.approx(math.degrees(2 * math.atan(half_width)))


NEEDS = {
    "FocalLength": "focal_length_mm",
    "FNumber": "f_number",
    "FocalLengthIn35mmFilm": "sensor_width_mm",
}


@pytest.mark.parametrize("tag", NEEDS)
@pytest.mark.parametrize("value", [None, 0], ids=["missing", "zero"])
def test_a_missing_or_empty_tag_is_an_error_that_names_it(
    tmp_path: Path, tag: str, value: int | None
) -> None:
    tags = {name: kept for name, kept in PHONE.items() if name != tag}
    if value is not None:
        tags[tag] = value
    camera = read_exif_camera(_photo(tmp_path / "a.jpg", tags))
    with pytest.raises(MediaError, match=rf"\b{tag}\b"):
        getattr(camera, NEEDS[tag])


def test_a_photo_without_exif_is_an_error_only_when_asked(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    camera = read_exif_camera(tmp_path / "a.png")
    with pytest.raises(MediaError, match="FNumber"):
        _ = camera.f_number


def test_a_file_that_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("hello")
    with pytest.raises(MediaError, match="EXIF"):
        read_exif_camera(tmp_path / "a.jpg")


def test_a_picture_too_large_to_open_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (60, 40)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(MediaError, match="too many pixels; expected at most 2,000; scale it down"):
        read_exif_camera(tmp_path / "a.png")


def test_a_picture_that_pillow_only_warns_of_is_opened_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (60, 40)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with opened_picture(tmp_path / "a.png", "a picture") as picture:
            assert picture.size == (60, 40)
