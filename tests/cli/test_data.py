"""`bfx data` from the command line."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from tests.cli.runner import Bfx

SMALL = ("--count", "3", "--size", "32x40")


def test_make_list_and_check_agree(bfx: Bfx, tmp_path: Path) -> None:
    folder = tmp_path / "training"
    made = bfx("data", "make", folder, *SMALL, "--json")
    assert made.exit_code == 0, made.stderr
    assert made.document["counts"] == {"layered": {"train": 3}}
    assert made.document["request"] == {"height": 32, "width": 40, "frames": 1, "seed": 0}
    assert bfx("data", "list", folder, "--json").document == made.document
    checked = bfx("data", "check", folder)
    assert checked.exit_code == 0
    assert "3 of 3 clips" in checked.stdout


def test_check_names_what_is_bad_and_fails(bfx: Bfx, tmp_path: Path) -> None:
    bfx("data", "make", tmp_path, *SMALL)
    (tmp_path / "layered" / "000001.npz").write_bytes(b"")
    checked = bfx("data", "check", tmp_path)
    assert checked.exit_code == 1
    assert "damaged   layered/000001.npz" in checked.stdout
    document = bfx("data", "check", tmp_path, "--json").document
    assert document["good"] == 2
    assert not document["holds"]


def test_making_goes_on_but_only_with_the_same_request(bfx: Bfx, tmp_path: Path) -> None:
    bfx("data", "make", tmp_path, *SMALL)
    more = bfx("data", "make", tmp_path, "--count", "4", "--size", "32x40", "--json")
    assert more.document["clips"] == 4
    other = bfx("data", "make", tmp_path, *SMALL, "--seed", "1")
    assert "seed 0" in other.require_plain_error(2)


def test_wrong_requests_are_plain_errors(bfx: Bfx, tmp_path: Path) -> None:
    wrong = bfx("data", "make", tmp_path, "--source", "room")
    assert "rooms" in wrong.require_plain_error(2)
    assert "manifest" in bfx("data", "list", tmp_path).require_plain_error(2)
    file = tmp_path / "file"
    file.write_text("")
    assert "cannot be written" in bfx("data", "make", file / "x", *SMALL).require_plain_error(2)


def test_depth_alone_for_one_split(bfx: Bfx, tmp_path: Path) -> None:
    folder = tmp_path / "depth"
    words = ("data", "make", folder, "--count", "1", "--size", "32x32", "--no-lens-views")
    result = bfx(*words, "--split", "train", "--json")
    assert result.document["request"]["lens_views"] is False
    none = bfx(*words, "--split", "held-out")
    assert "a count above 72" in none.require_plain_error(2)
    wrong = bfx(*words, "--split", "test")
    assert "split 'test'" in wrong.require_plain_error(2)


def test_a_folder_that_is_a_file_is_told_by_its_name(bfx: Bfx, tmp_path: Path) -> None:
    (tmp_path / "clips").touch()
    refused = bfx("data", "make", tmp_path / "clips", "--count", "1").require_plain_error(2)
    assert f"{tmp_path / 'clips'} is a file; expected a folder" in refused


def test_help_of_the_group_shows_its_commands(bfx: Bfx) -> None:
    shown = bfx("data", "--help")
    assert shown.exit_code == 0
    assert all(name in shown.stdout for name in ("make", "list", "check"))


def test_pictures_that_are_left_out_are_told(bfx: Bfx, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.new("RGB", (40, 30), (9, 99, 199)).save(photos / "good.png")
    (photos / "bad.png").write_bytes(b"no picture")
    command = ("data", "make", tmp_path / "clips", "--count", "1", "--size", "32x32")
    done = bfx(*command, "--photos", photos, "--workers", "1", "--skip-bad")
    assert done.exit_code == 0, done.stderr
    assert "left out:" in done.stderr
    assert "bad.png" in done.stderr
