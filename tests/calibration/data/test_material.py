"""The user's own photos and cut-outs: found, refused when damaged, and used by their split."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bokehflow.calibration.data.clip_file import read_clip
from bokehflow.calibration.data.layered_clip import LayeredGroup
from bokehflow.calibration.data.making import make_data
from bokehflow.calibration.data.material import AS_GIVEN, Material, find_material
from bokehflow.calibration.data.material_pictures import cutout_linear, photo_linear
from bokehflow.calibration.data.request import CLIPS_PER_GROUP, DataRequest
from bokehflow.calibration.data.split import HELD_OUT, HELD_OUT_EVERY, TRAIN, split_of_name
from bokehflow.errors import InputError, MissingDependencyError, UsageError
from tests.media.test_heif import HEIGHT, WIDTH, write_heic


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Eighteen photos and eighteen cut-outs, some of them on either side of the split."""
    rng = np.random.default_rng(0)
    photos, cutouts = (tmp_path_factory.mktemp(name) for name in ("photos", "cutouts"))
    for number in range(18):
        pixels = rng.integers(0, 256, (31, 45, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(photos / f"photo-{number}.jpg")
        alpha = np.zeros((40, 24, 1), dtype=np.uint8)
        alpha[5:35, 4:20] = 255
        rgba = np.concatenate([np.full((40, 24, 3), 200, np.uint8), alpha], axis=2)
        Image.fromarray(rgba).save(cutouts / f"card-{number}.png")
    table = "file,licence,author,height_m\ncard-3.png,CC0-1.0,Someone,1.5\n"
    (cutouts / "material.csv").write_text(table)
    return photos, cutouts


@pytest.fixture(scope="module")
def material(folders: tuple[Path, Path]) -> Material:
    return find_material(*folders)


def _request(material: Material, **changes: int) -> DataRequest:
    request = DataRequest(33, 40, 1, 0, material.photos_sha256, material.cutouts_sha256)
    return dataclasses.replace(request, **changes)


def test_the_table_says_whose_a_picture_is_and_how_tall(material: Material) -> None:
    assert len(material.photos) == len(material.cutouts) == 18
    named = {picture.name: picture for picture in material.cutouts}
    assert named["card-3.png"].height_m == 1.5
    assert named["card-3.png"].asset.licence == "CC0-1.0"
    assert named["card-4.png"].height_m is None
    assert named["card-4.png"].asset.licence == AS_GIVEN


def test_a_cutout_is_cropped_and_premultiplied(material: Material) -> None:
    rgba = cutout_linear(material.cutouts[0])
    assert rgba.shape == (4, 30, 16)
    assert bool((rgba[:3] <= rgba[3:]).all())


def test_a_photo_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (45, 31)).save(tmp_path / "turned.jpg", exif=exif)
    assert photo_linear(find_material(tmp_path).photos[0]).shape == (3, 45, 31)


def test_clips_show_only_material_of_their_own_side(material: Material) -> None:
    for group, split in ((0, TRAIN), (HELD_OUT_EVERY - 1, HELD_OUT)):
        shown = {
            asset.name
            for index in range(CLIPS_PER_GROUP)
            for asset in LayeredGroup(_request(material), group, material)
            .clip(group * CLIPS_PER_GROUP + index)
            .info.assets
        }
        ours = {name for name in shown if name.startswith(("photo-", "card-"))}
        assert ours
        assert all(split_of_name(name) == split for name in ours)


def test_every_kind_of_scene_has_depth_flow_and_the_same_bytes_twice(material: Material) -> None:
    request = _request(material, frames=2)
    for index in range(6):
        clip, again = (LayeredGroup(request, 0, material).clip(index) for _ in range(2))
        assert np.array_equal(clip.bokeh, again.bokeh)
        assert np.isfinite(clip.inverse_depth.astype(np.float32)).all()
        assert clip.flow_valid.mean() > 0.3


@pytest.mark.parametrize("size", [(48, 48), (64, 36), (36, 64)], ids=str)
def test_a_photo_fills_the_views_it_lies_behind(material: Material, size: tuple[int, int]) -> None:
    photos = dataclasses.replace(material, cutouts=())
    request = DataRequest(*size, 3, 0, material.photos_sha256, lens_views=False)
    clips = [LayeredGroup(request, 0, photos).clip(index) for index in range(40)]
    over_photos = [clip for clip in clips if not clip.info.depth_cues]
    assert len(over_photos) >= 3
    assert all((clip.inverse_depth > 0).all() for clip in over_photos)


def test_works_of_one_name_keep_their_own_authors(tmp_path: Path) -> None:
    # By their name alone all would be of one side.
    names = [f"{number}.png" for number in range(60)]
    names = [name for name in names if split_of_name(name) == TRAIN][:2]
    for folder, mode, licence in (("photos", "RGB", "CC-BY-4.0"), ("cutouts", "RGBA", "CC0-1.0")):
        (tmp_path / folder).mkdir()
        for name in names:
            picture = Image.new(mode, (30, 30), (90, 120, 150))
            if mode == "RGBA":
                picture.paste((200, 100, 50, 255), (5, 5, 25, 25))
                picture.putpixel((0, 0), (0, 0, 0, 0))
            picture.save(tmp_path / folder / name)
        rows = "".join(f"{name},{licence},Someone\n" for name in names)
        (tmp_path / folder / "material.csv").write_text(f"file,licence,author\n{rows}")
    material = find_material(tmp_path / "photos", tmp_path / "cutouts")
    request = dataclasses.replace(_request(material), height=32, width=32, lens_views=False)
    manifest = make_data(tmp_path / "data", request, ["layered"], 12, material=material)
    found = {(asset.name, asset.licence) for asset in manifest.assets}
    assert found >= {(names[0], "CC-BY-4.0"), (names[0], "CC0-1.0")}


def test_a_folder_made_with_other_photos_is_refused(material: Material, tmp_path: Path) -> None:
    make_data(tmp_path, _request(material), ["layered"], 1, material=material)
    assert read_clip(tmp_path / "layered" / "000000.npz").info.source == "layered"
    fewer = dataclasses.replace(material, photos=material.photos[1:])
    with pytest.raises(UsageError, match="photos"):
        make_data(tmp_path, _request(fewer), ["layered"], 1, material=fewer)


def test_a_photo_that_changed_meanwhile_is_told(tmp_path: Path) -> None:
    Image.new("RGB", (45, 31)).save(tmp_path / "a.png")
    found = find_material(tmp_path)
    Image.new("RGB", (45, 32)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="changed"):
        photo_linear(found.photos[0])


def test_damaged_pictures_are_listed_and_skipped_only_when_asked(tmp_path: Path) -> None:
    Image.new("RGB", (45, 31)).save(tmp_path / "good.png")
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (tmp_path / "material.csv").write_text("file,licence\ngone.png,CC0\n")
    with pytest.raises(InputError, match=r"1 missing, 1 unreadable, 1 good.*cut\.jpg"):
        find_material(tmp_path)
    found = find_material(tmp_path, skip_bad=True)
    assert [photo.name for photo in found.photos] == ["good.png"]
    assert len(found.left_out) == 2
    assert "cut.jpg (" in found.left_out[0]
    assert "gone.png (listed in material.csv)" in found.left_out[1]


@pytest.mark.parametrize("size", [(1, 1), (4000, 3), (1, 40)])
def test_a_picture_that_is_a_line_is_none(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", (45, 31)).save(tmp_path / "good.png")
    Image.new("RGB", size).save(tmp_path / "line.png")
    with pytest.raises(InputError, match=rf"line.png is {size[0]} x {size[1]} pixels"):
        find_material(tmp_path)


def test_a_table_as_spreadsheets_write_it_is_read(tmp_path: Path) -> None:
    Image.new("RGB", (45, 31)).save(tmp_path / "a.png")
    table = "file,author,licence\r\na.png,Zoë,CC0\r\n"
    (tmp_path / "material.csv").write_text(table, encoding="utf-8-sig")
    (photo,) = find_material(tmp_path).photos
    assert (photo.author, photo.licence) == ("Zoë", "CC0")


def test_a_damaged_table_is_not_skipped_with_what_it_says(tmp_path: Path) -> None:
    Image.new("RGB", (45, 31)).save(tmp_path / "a.png")
    (tmp_path / "material.csv").write_bytes("file,author\na.png,Zoë\n".encode("latin-1"))
    with pytest.raises(InputError, match="a table in UTF-8"):
        find_material(tmp_path, skip_bad=True)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        pytest.param("file,height_m\na.png,tall\n", "tall", id="not-a-number"),
        pytest.param("file,height_m\na.png,5000\n", "between", id="too-tall"),
        pytest.param("name\na.png\n", "column `file`", id="no-column"),
    ],
)
def test_a_wrong_table_is_a_plain_error(tmp_path: Path, table: str, said: str) -> None:
    rgba = np.zeros((8, 8, 4), np.uint8)
    rgba[2:6, 2:6] = 255
    Image.fromarray(rgba).save(tmp_path / "a.png")
    (tmp_path / "material.csv").write_text(table)
    with pytest.raises(InputError, match=said):
        find_material(cutouts=tmp_path)


def test_a_cutout_without_alpha_and_an_empty_folder_are_plain_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing that can be used"):
        find_material(tmp_path)
    Image.new("RGB", (8, 8)).save(tmp_path / "opaque.png")
    with pytest.raises(InputError, match="no transparent pixels"):
        find_material(cutouts=tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        find_material(tmp_path / "gone")


def test_photos_of_a_phone_are_found(tmp_path: Path) -> None:
    write_heic(tmp_path / "IMG_1.HEIC")
    write_heic(tmp_path / "IMG_2.heif")
    Image.new("RGB", (45, 31)).save(tmp_path / "a.webp")
    found = find_material(tmp_path)
    assert [photo.name for photo in found.photos] == ["IMG_1.HEIC", "IMG_2.heif", "a.webp"]
    assert photo_linear(found.photos[0]).shape == (3, HEIGHT, WIDTH)


@pytest.mark.parametrize("skip_bad", [False, True], ids=["all", "skip-bad"])
def test_photos_of_a_phone_are_not_left_out_for_want_of_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, skip_bad: bool
) -> None:
    Image.new("RGB", (45, 31)).save(tmp_path / "a.png")
    write_heic(tmp_path / "b.heic")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(MissingDependencyError, match=r"b\.heic.*bokehflow\[heic\]"):
        find_material(tmp_path, skip_bad=skip_bad)
