"""`bfx data import`: real sets become clips whose missing truths are marked and never judged."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from bokehflow.calibration.data.clip import Clip
from bokehflow.calibration.data.clip_file import read_clip
from bokehflow.calibration.data.folder import FoundClips, find_clips
from bokehflow.calibration.data.split import HELD_OUT, TRAIN, split_of_name
from bokehflow.errors import InputError
from bokehflow.training.draws import fitting
from tests.cli.runner import Bfx
from tests.training.samples import stage

SCENE = "scene"
assert split_of_name(SCENE) == TRAIN


def _picture(path: Path, level: int = 90, size: tuple[int, int] = (34, 48)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size, 3), level, dtype=np.uint8)).save(path)


def _only(folder: Path) -> Clip:
    (path,) = folder.glob("*/*.npz")
    return read_clip(path)


def _usable(folder: Path, name: str) -> bool:
    """Whether a stage can use the clips of a folder."""
    found = FoundClips(folder, TRAIN, find_clips(folder, TRAIN, known=()).entries)
    try:
        return bool(fitting(found, stage(rendering=name)))
    except InputError:
        return False


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "clips"


def test_a_view_that_is_too_narrow_when_taken_upright_is_refused(
    bfx: Bfx, tmp_path: Path, out: Path
) -> None:
    _picture(tmp_path / "photos/upright.png", size=(60, 40))
    (tmp_path / "labels").mkdir()
    np.save(tmp_path / "labels/upright.npy", np.random.default_rng(0).random((60, 40)))
    words = ("--fov-deg", "1.2", "--nearest-m", "1", "--farthest-m", "50", "--side", "32")
    folders = (tmp_path / "photos", tmp_path / "labels", out)
    done = bfx("data", "import", "pseudo-depth", *folders, *words)
    assert "the field of view of upright=0.8" in done.require_plain_error(2)
    assert not list(out.rglob("*.npz"))


def test_realbokeh_trains_the_picture_alone(bfx: Bfx, tmp_path: Path, out: Path) -> None:
    _picture(tmp_path / f"train/in/{SCENE}_f22.0.png", 90)
    _picture(tmp_path / f"train/gt/{SCENE}_f2.0.png", 120)
    lens = ("--focal-length-mm", "50", "--focus-m", "2")
    done = bfx("data", "import", "realbokeh", tmp_path, out, *lens, "--side", "32", "--json")
    assert done.document["clips"] == 1, done.stderr
    clip = _only(out)
    assert clip.frames.shape == (1, 23, 32, 3)
    assert (int(clip.frames.max()), int(clip.bokeh.min())) == (90, 120)
    assert clip.info.lens.as_tuple() == (50.0, 2.0, 2.0, 36.0)
    assert clip.info.known == ("bokeh",)
    assert not clip.info.depth_cues
    stages = {name: _usable(out, name) for name in ("none", "true_depth", "predicted_depth")}
    assert stages == {"none": False, "true_depth": False, "predicted_depth": True}
    with pytest.raises(InputError, match="no train clip"):
        find_clips(out, TRAIN)


def test_an_upright_photo_shows_the_short_side_of_the_sensor(
    bfx: Bfx, tmp_path: Path, out: Path
) -> None:
    for name in (f"in/{SCENE}_f22.0.png", f"gt/{SCENE}_f2.0.png"):
        _picture(tmp_path / "train" / name, size=(48, 32))
    lens = ("--focal-length-mm", "50", "--focus-m", "2")
    assert bfx("data", "import", "realbokeh", tmp_path, out, *lens).exit_code == 0
    assert _only(out).info.lens.sensor_width_mm == pytest.approx(24.0)


def test_a_distance_whose_inverse_no_clip_holds_is_refused(
    bfx: Bfx, tmp_path: Path, out: Path
) -> None:
    span = ("--fov-deg", "60", "--nearest-m", "0.00001", "--farthest-m", "20")
    done = bfx("data", "import", "pseudo-depth", tmp_path, tmp_path, out, *span)
    assert done.exit_code == 2
    assert "0.0001 <= nearest" in done.stderr


def test_guessed_depth_trains_depth_alone(bfx: Bfx, tmp_path: Path, out: Path) -> None:
    photos, labels = tmp_path / "photos", tmp_path / "labels"
    _picture(photos / f"{SCENE}.jpg")
    labels.mkdir()
    np.save(labels / f"{SCENE}.npy", np.linspace(0, 7, 34 * 48, dtype=np.float32).reshape(34, 48))
    span = ("--fov-deg", "60", "--nearest-m", "0.5", "--farthest-m", "20")
    done = bfx("data", "import", "pseudo-depth", photos, labels, out, *span)
    assert done.exit_code == 0, done.stderr
    clip = _only(out)
    assert (clip.inverse_depth.min(), clip.inverse_depth.max()) == (np.float16(0.05), 2.0)
    assert clip.info.known == ("depth",)
    assert {name: _usable(out, name) for name in ("none", "predicted_depth")} == {
        "none": True,
        "predicted_depth": False,
    }
    wrong = (*span[:3], "20", "--farthest-m", "20")
    refused = bfx("data", "import", "pseudo-depth", photos, labels, out, *wrong)
    assert "nearest" in refused.require_plain_error(2)


def test_films_are_there_to_be_looked_at(bfx: Bfx, tmp_path: Path, out: Path) -> None:
    for number in range(5):
        _picture(tmp_path / f"JPEGImages/480p/{SCENE}/{number:05d}.jpg", 40 * number)
    done = bfx("data", "import", "davis", tmp_path, out, "--fov-deg", "60", "--frames", "2")
    assert "2 clips" in done.stdout
    first = read_clip(out / "davis" / f"{SCENE}_00000.npz")
    assert first.frame_count == 2
    assert first.info.known == ()
    assert not _usable(out, "none")
    assert not _usable(out, "predicted_depth")


def test_bad_pairs_are_listed_or_skipped_and_counted(bfx: Bfx, tmp_path: Path, out: Path) -> None:
    for number in range(2):
        _picture(tmp_path / f"JPEGImages/480p/{SCENE}{number}/00000.jpg")
    (tmp_path / f"JPEGImages/480p/{SCENE}0/00000.jpg").write_bytes(b"no picture")
    command = ("data", "import", "davis", tmp_path, out, "--fov-deg", "60", "--frames", "1")
    assert "1 unreadable" in bfx(*command).require_plain_error(2)
    skipped = bfx(*command, "--skip-bad", "--json").document
    assert (skipped["clips"], skipped["left_out"]) == (1, {"unreadable": 1})
    nowhere = bfx("data", "import", "davis", tmp_path / "gone", out, "--fov-deg", "60")
    assert "not a folder" in nowhere.require_plain_error(2)


def test_what_is_damaged_inside_is_told_when_it_is_read(
    bfx: Bfx, tmp_path: Path, out: Path
) -> None:
    photos, labels = tmp_path / "photos", tmp_path / "labels"
    labels.mkdir()
    for name in ("cut", "flat", "good"):
        _picture(photos / f"{name}.jpg")
        label = np.linspace(0, 7, 34 * 48, dtype=np.float32).reshape(34, 48)
        np.save(labels / f"{name}.npy", 0.0 * label if name == "flat" else label)
    whole = (photos / "cut.jpg").read_bytes()
    (photos / "cut.jpg").write_bytes(whole[: -len(whole) // 4])
    command = ("data", "import", "pseudo-depth", photos, labels, out, "--fov-deg", "60",
               "--nearest-m", "0.5", "--farthest-m", "20")  # fmt: skip
    assert "--skip-bad" in bfx(*command).require_plain_error(2)
    skipped = bfx(*command, "--skip-bad", "--json").document
    assert (skipped["clips"], skipped["left_out"]) == (1, {"unreadable": 2})


def test_no_clip_is_written_over_another(bfx: Bfx, tmp_path: Path, out: Path) -> None:
    photos, labels = tmp_path / "photos", tmp_path / "labels"
    labels.mkdir()
    np.save(labels / "a.npy", np.linspace(0, 7, 34 * 48, dtype=np.float32).reshape(34, 48))
    for name in ("a.jpg", "a.png"):
        _picture(photos / name)
    done = bfx("data", "import", "pseudo-depth", photos, labels, out, "--fov-deg", "60",
               "--nearest-m", "0.5", "--farthest-m", "20")  # fmt: skip
    assert "a.png (another photo has its name but for the suffix)" in done.require_plain_error(2)
    assert not out.exists()


def test_parts_of_a_set_may_share_a_folder(bfx: Bfx, tmp_path: Path, out: Path) -> None:
    for part in ("train", "test"):
        _picture(tmp_path / f"{part}/in/{SCENE}_f22.0.png", 90)
        _picture(tmp_path / f"{part}/gt/{SCENE}_f2.0.png", 120)
        lens = ("--focal-length-mm", "50", "--focus-m", "2", "--part", part)
        assert bfx("data", "import", "realbokeh", tmp_path, out, *lens).exit_code == 0
    assert {path.stem: read_clip(path).info.split for path in out.glob("*/*.npz")} == {
        f"train_{SCENE}_f2": TRAIN,
        f"test_{SCENE}_f2": HELD_OUT,
    }


def _tell_focal_length(path: Path, focal_length_mm: float) -> None:
    tags = Image.Exif()
    tags.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLength] = focal_length_mm
    with Image.open(path) as photo:
        photo.save(path, exif=tags)


def test_photos_may_tell_their_focal_length(bfx: Bfx, tmp_path: Path, out: Path) -> None:
    for name in ("in/1_f22.0", "gt/1_f2.0", "gt/1_f4.0"):
        _picture(tmp_path / f"train/{name}.jpg")
    _tell_focal_length(tmp_path / "train/gt/1_f2.0.jpg", 28.0)
    lens = ("--focal-length-mm", "50", "--focus-m", "2")
    assert bfx("data", "import", "realbokeh", tmp_path, out, *lens).exit_code == 0
    lenses = {path.stem: read_clip(path).info.lens for path in out.glob("*/*.npz")}
    assert lenses["train_1_f2"].focal_length_mm == 28.0
    assert lenses["train_1_f4"].focal_length_mm == 50.0


@pytest.mark.parametrize(
    ("told_mm", "reason"),
    [(2500.0, "lies inside the focal length"), (1500.0, "the field of view at 1500 mm")],
    ids=["no lens", "no view"],
)
def test_a_focal_length_of_no_lens_is_a_problem_of_its_photo_alone(
    bfx: Bfx, tmp_path: Path, out: Path, told_mm: float, reason: str
) -> None:
    for name in ("in/1_f22.0", "gt/1_f2.0", "gt/1_f4.0"):
        _picture(tmp_path / f"train/{name}.jpg")
    _tell_focal_length(tmp_path / "train/gt/1_f2.0.jpg", told_mm)
    command = ("data", "import", "realbokeh", tmp_path, out, "--focal-length-mm", "50",
               "--focus-m", "2")  # fmt: skip
    told = bfx(*command).require_plain_error(2)
    assert "1_f2.0.jpg: " in told
    assert reason in told
    skipped = bfx(*command, "--skip-bad", "--json").document
    assert (skipped["clips"], skipped["left_out"]) == (1, {"mismatched": 1})


def test_films_that_are_too_short_are_counted(bfx: Bfx, tmp_path: Path, out: Path) -> None:
    for film, length in (("long", 3), ("short", 2)):
        for number in range(length):
            _picture(tmp_path / f"JPEGImages/480p/{film}/{number:05d}.jpg")
    (tmp_path / "JPEGImages/480p/short/._00000.jpg").write_bytes(b"what macOS puts beside a file")
    command = ("data", "import", "davis", tmp_path, out, "--fov-deg", "60", "--frames")
    told = bfx(*command, "3", "--json").document
    assert (told["clips"], told["left_out"]) == (1, {"too short": 1})
    assert "2 too short" in bfx(*command, "4").require_plain_error(2)


def test_an_edge_stays_one_between_two_depths(bfx: Bfx, tmp_path: Path, out: Path) -> None:
    photos, labels = tmp_path / "photos", tmp_path / "labels"
    _picture(photos / "a.png", size=(99, 96))
    labels.mkdir()
    label = np.zeros((99, 96), np.float32)
    label[:, 50:] = 1.0
    np.save(labels / "a.npy", label)
    span = ("--fov-deg", "60", "--nearest-m", "1", "--farthest-m", "4", "--side", "33")
    assert bfx("data", "import", "pseudo-depth", photos, labels, out, *span).exit_code == 0
    assert np.unique(_only(out).inverse_depth).tolist() == [0.25, 1.0]


@pytest.mark.parametrize("fov_deg", ["0.5", "180", "nan"])
def test_fields_of_view_that_no_camera_has_are_refused(
    bfx: Bfx, tmp_path: Path, out: Path, fov_deg: str
) -> None:
    option = ("--fov-deg", fov_deg)
    refused = bfx("data", "import", "davis", tmp_path, out, *option)
    assert f"fov_deg={float(fov_deg)}" in refused.require_plain_error(2)
    span = ("--nearest-m", "0.5", "--farthest-m", "20")
    refused = bfx("data", "import", "pseudo-depth", tmp_path, tmp_path, out, *option, *span)
    assert f"fov_deg={float(fov_deg)}" in refused.require_plain_error(2)


def test_upright_pictures_are_of_the_same_camera(bfx: Bfx, tmp_path: Path, out: Path) -> None:
    photos, labels = tmp_path / "photos", tmp_path / "labels"
    labels.mkdir()
    for name, size in (("lying", (48, 64)), ("upright", (64, 48))):
        _picture(photos / f"{name}.png", size=size)
        np.save(labels / f"{name}.npy", np.linspace(0, 7, 64 * 48).reshape(size))
    span = ("--fov-deg", "60", "--nearest-m", "0.5", "--farthest-m", "20")
    assert bfx("data", "import", "pseudo-depth", photos, labels, out, *span).exit_code == 0
    fov_deg = {path.stem: read_clip(path).info.fov_deg for path in out.glob("*/*.npz")}
    # Three quarters as wide.
    half = math.atan(0.75 * math.tan(math.radians(30.0)))
    assert fov_deg == {
        "lying": pytest.approx(60.0),
        "upright": pytest.approx(2.0 * math.degrees(half)),
    }


def test_an_import_may_be_repeated_and_replaces_no_other_clip(
    bfx: Bfx, tmp_path: Path, out: Path
) -> None:
    for number in range(6):
        _picture(tmp_path / f"JPEGImages/480p/{SCENE}/{number:05d}.jpg", 40 * number)
    (tmp_path / "JPEGImages/480p/.ipynb_checkpoints").mkdir()
    command = ("data", "import", "davis", tmp_path, out, "--fov-deg", "60", "--frames")
    assert bfx(*command, "3").exit_code == 0
    before = {path.name: path.read_bytes() for path in out.glob("*/*.npz")}
    assert len(before) == 2
    assert bfx(*command, "3").exit_code == 0
    assert "holds another clip" in bfx(*command, "6").require_plain_error(2)
    assert {path.name: path.read_bytes() for path in out.glob("*/*.npz")} == before


def test_a_part_that_is_none_is_refused(bfx: Bfx, tmp_path: Path, out: Path) -> None:
    lens = ("--focal-length-mm", "50", "--focus-m", "2", "--part", ".")
    error = bfx("data", "import", "realbokeh", tmp_path, out, *lens).require_plain_error(2)
    assert "train, validation" in error


def test_an_array_of_labels_goes_before_a_picture_of_it(
    bfx: Bfx, tmp_path: Path, out: Path
) -> None:
    photos, labels = tmp_path / "photos", tmp_path / "labels"
    for folder in (photos, labels):
        _picture(folder / f"{SCENE}.png")
    wide = 1e308 * np.linspace(-1.0, 1.0, 34 * 48).reshape(34, 48)
    np.save(labels / f"{SCENE}.npy", wide)
    span = ("--fov-deg", "60", "--nearest-m", "0.5", "--farthest-m", "20")
    done = bfx("data", "import", "pseudo-depth", photos, labels, out, *span)
    assert (done.exit_code, done.stderr) == (0, "")
    assert _only(out).inverse_depth.max() == 2.0
