"""The loaders of real sets: what they accept, and that every bad pair is listed and counted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bokehflow.calibration.data.davis import find_davis
from bokehflow.calibration.data.pseudo_depth import find_pseudo_depth, read_label
from bokehflow.calibration.data.realbokeh import find_realbokeh
from bokehflow.errors import InputError, MediaError
from tests.media.samples import write_huge_png, write_torn_png
from tests.media.test_heif import HEIGHT, WIDTH, write_heic
from tests.tolerances import SIXTEEN_BIT_STEP


def _picture(path: Path, height: int = 12, width: int = 17, level: int = 90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((height, width, 3), level, dtype=np.uint8)).save(path)


@pytest.fixture
def realbokeh(tmp_path: Path) -> Path:
    """Two scenes, three targets, as the set is published."""
    part = tmp_path / "test"
    (part / "metadata").mkdir(parents=True)
    for scene, targets in (
        (1, {"gt/1_f2.0.JPG": 2.0, "gt/1_f4.0.JPG": 4.0}),
        (2, {"gt/2_f8.0.JPG": 8.0}),
    ):
        _picture(part / f"in/{scene}_f22.0.JPG")
        for name in targets:
            _picture(part / name)
        facts = {
            "id": scene,
            "source_image": f"in/{scene}_f22.0.JPG",
            "target_images": list(targets),
            "target_avs": list(targets.values()),
        }
        (part / "metadata" / f"{scene}.json").write_text(json.dumps(facts))
    return tmp_path


@pytest.mark.parametrize("metadata", [True, False], ids=["metadata", "names"])
def test_realbokeh_pairs_by_metadata_or_by_name(realbokeh: Path, metadata: bool) -> None:
    if not metadata:
        for path in (realbokeh / "test" / "metadata").iterdir():
            path.unlink()
        (realbokeh / "test" / "metadata").rmdir()
    pairs, problems = find_realbokeh(realbokeh, "test")
    assert [(pair.scene, pair.f_number) for pair in pairs] == [("1", 2.0), ("1", 4.0), ("2", 8.0)]
    assert problems.found == []
    sharp, blurred = pairs[0].read()
    assert sharp.shape == blurred.shape == (1, 3, 12, 17)


def test_realbokeh_without_metadata_has_a_folder_a_scene(tmp_path: Path) -> None:
    part = tmp_path / "train"
    for name in ("in/10_f22.0.JPG", "gt/10/10_f2.0.JPG", "gt/10/10_f4.0.JPG"):
        _picture(part / name)
    pairs, problems = find_realbokeh(tmp_path, "train")
    assert [(pair.scene, pair.f_number) for pair in pairs] == [("10", 2.0), ("10", 4.0)]
    assert problems.found == []


def test_bad_realbokeh_pairs_are_listed_and_counted(realbokeh: Path) -> None:
    part = realbokeh / "test"
    (part / "gt/1_f2.0.JPG").unlink()
    (part / "gt/1_f4.0.JPG").write_bytes(b"no picture")
    (part / "metadata/3.json").write_text("{}")
    with pytest.raises(InputError, match="1 missing, 2 unreadable, 1 good") as caught:
        find_realbokeh(realbokeh, "test")
    assert "1_f2.0.JPG" in str(caught.value)
    pairs, problems = find_realbokeh(realbokeh, "test", skip_bad=True)
    assert len(pairs) == 1
    assert problems.counts() == {"missing": 1, "unreadable": 2}


def test_a_scene_whose_name_is_no_name_for_a_file_is_listed(realbokeh: Path) -> None:
    path = realbokeh / "test/metadata/2.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"id": "a/1"}))
    pairs, problems = find_realbokeh(realbokeh, "test", skip_bad=True)
    assert (len(pairs), problems.counts()) == (2, {"mismatched": 1})


@pytest.mark.parametrize("scene", ["x\0y", "\ud800", "n" * 300], ids=["nul", "surrogate", "long"])
def test_a_scene_that_no_file_can_be_called_by_is_listed(realbokeh: Path, scene: str) -> None:
    path = realbokeh / "test/metadata/2.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"id": scene}))
    pairs, problems = find_realbokeh(realbokeh, "test", skip_bad=True)
    assert (len(pairs), sum(problems.counts().values())) == (2, 1)


def test_metadata_that_is_nested_too_deeply_is_listed(realbokeh: Path) -> None:
    (realbokeh / "test/metadata/2.json").write_text("[" * 100_000)
    pairs, problems = find_realbokeh(realbokeh, "test", skip_bad=True)
    assert (len(pairs), problems.counts()) == (2, {"unreadable": 1})


def test_two_photos_of_one_scene_and_f_number_are_listed(realbokeh: Path) -> None:
    path = realbokeh / "test/metadata/2.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"id": 1, "target_avs": [4.0]}))
    with pytest.raises(InputError, match=r"1 mismatched, 2 good: .*1_f4, too"):
        find_realbokeh(realbokeh, "test")


def test_realbokeh_pairs_of_two_sizes_are_refused(realbokeh: Path) -> None:
    _picture(realbokeh / "test/gt/2_f8.0.JPG", height=13)
    with pytest.raises(InputError, match="1 mismatched"):
        find_realbokeh(realbokeh, "test")


def test_a_folder_of_another_layout_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="validation"):
        find_realbokeh(tmp_path, "test")
    with pytest.raises(InputError, match="JPEGImages"):
        find_davis(tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        find_pseudo_depth(tmp_path / "a", tmp_path / "b")


def test_davis_films_are_read_in_order(tmp_path: Path) -> None:
    for number in range(3):
        _picture(tmp_path / f"JPEGImages/480p/bear/{number:05d}.jpg", level=40 * number)
    films, _ = find_davis(tmp_path)
    frames = films[0].read(1, 2)
    assert frames.shape == (2, 3, 12, 17)
    assert float(frames[1].mean()) > float(frames[0].mean()) > 0.1
    with pytest.raises(InputError, match="3 frames"):
        films[0].read(2, 2)


def test_bad_davis_films_are_listed(tmp_path: Path) -> None:
    place = tmp_path / "JPEGImages/480p"
    _picture(place / "good/00000.jpg")
    _picture(place / "gap/00000.jpg")
    _picture(place / "gap/00002.jpg")
    _picture(place / "sizes/00000.jpg")
    _picture(place / "sizes/00001.jpg", width=20)
    (place / "torn").mkdir()
    (place / "torn/00000.jpg").write_bytes((place / "good/00000.jpg").read_bytes()[:80])
    films, problems = find_davis(tmp_path, skip_bad=True)
    assert [film.name for film in films] == ["good"]
    assert problems.counts() == {"missing": 1, "mismatched": 1, "unreadable": 1}
    with pytest.raises(InputError, match="--skip-bad"):
        find_davis(tmp_path)


@pytest.mark.parametrize("suffix", [".png", ".npy"])
def test_labels_are_stretched_and_keep_their_order(tmp_path: Path, suffix: str) -> None:
    _picture(tmp_path / "photos/a.jpg")
    (tmp_path / "labels").mkdir()
    ramp = np.linspace(100, 60000, 12 * 17).reshape(12, 17)
    if suffix == ".png":
        Image.fromarray(ramp.astype(np.uint16)).save(tmp_path / "labels/a.png")
    else:
        np.save(tmp_path / "labels/a.npy", ramp.astype(np.float32))
    pairs, _ = find_pseudo_depth(tmp_path / "photos", tmp_path / "labels")
    photo, label = pairs[0].read()
    assert photo.shape == (1, 3, 12, 17)
    torch.testing.assert_close(
        label.flatten(), torch.linspace(0, 1, 204), atol=SIXTEEN_BIT_STEP, rtol=0
    )


def test_bad_labels_are_listed(tmp_path: Path) -> None:
    for name in "abc":
        _picture(tmp_path / f"photos/{name}.jpg")
    (tmp_path / "labels").mkdir()
    np.save(tmp_path / "labels/a.npy", np.zeros((5, 5), np.float32))
    (tmp_path / "labels/b.npy").write_bytes(b"no array")
    with pytest.raises(InputError, match="1 mismatched, 1 missing, 1 unreadable, 0 good"):
        find_pseudo_depth(tmp_path / "photos", tmp_path / "labels")
    with pytest.raises(InputError, match="nothing that can be used"):
        find_pseudo_depth(tmp_path / "photos", tmp_path / "labels", skip_bad=True)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full((4, 4), 2.0, np.float32), "everywhere"),
        (np.array([[1.0, np.nan], [2.0, 3.0]], np.float32), "NaN"),
        (np.arange(6).reshape(2, 3), "floating point"),
        (np.zeros((0, 4), np.float32), "floating point"),
        (np.array([[0.0, 5e-324], [0.0, 0.0]]), "everywhere"),
    ],
    ids=["flat", "nan", "integers", "empty", "as good as flat"],
)
def test_labels_that_say_nothing_are_refused(
    tmp_path: Path, values: np.ndarray[tuple[int, ...], np.dtype[np.float32]], message: str
) -> None:
    np.save(tmp_path / "label.npy", values)
    with pytest.raises(MediaError, match=message):
        read_label(tmp_path / "label.npy")


def test_damaged_labels_are_one_plain_error(tmp_path: Path) -> None:
    path = tmp_path / "label.png"
    write_huge_png(path)
    with pytest.raises(MediaError, match="cannot be read"):
        read_label(path)
    write_torn_png(path, 5, 7)
    with pytest.raises(MediaError, match="cannot be read"):
        read_label(path)
    path = tmp_path / "label.npy"
    np.save(path, np.eye(3, dtype=np.float32))
    path.write_bytes(path.read_bytes().replace(b"}", b"#", 1))
    with pytest.raises(MediaError, match="cannot be read"):
        read_label(path)


def test_photos_of_a_phone_are_found(tmp_path: Path) -> None:
    for name in ("in/1_f22.0.heic", "gt/1_f2.0.heic"):
        (tmp_path / "test" / name).parent.mkdir(parents=True)
        write_heic(tmp_path / "test" / name)
    pairs, _ = find_realbokeh(tmp_path, "test")
    assert pairs[0].read()[0].shape == (1, 3, HEIGHT, WIDTH)
    np.save(tmp_path / "1_f2.0.npy", np.random.default_rng(0).random((HEIGHT, WIDTH), np.float32))
    labelled, _ = find_pseudo_depth(tmp_path / "test/gt", tmp_path)
    assert labelled[0].read()[0].shape == (1, 3, HEIGHT, WIDTH)
