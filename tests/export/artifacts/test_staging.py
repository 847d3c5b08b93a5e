"""Artifacts appear whole or not at all."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from bokehflow.atomic import atomic_file
from bokehflow.errors import OutputError
from bokehflow.export.artifacts.staging import not_written, staged, staged_together

Writing = Callable[[Path], AbstractContextManager[Path]]


def test_a_folder_with_something_in_it_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "artifact"
    (target / "old").mkdir(parents=True)
    with staged(target) as place:
        place.mkdir()
        (place / "new").touch()
    assert [file.name for file in target.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "artifact.onnx"
    target.write_text("old")
    with staged(target) as place:
        place.write_text("new")
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("umask", "folder", "file"), [(0o022, 0o755, 0o644), (0o027, 0o750, 0o640)]
)
def test_others_may_read_what_a_package_wrote_for_its_owner(
    tmp_path: Path, umask: int, folder: int, file: int
) -> None:
    before = os.umask(umask)
    try:
        with staged(tmp_path / "a.mlpackage") as place:
            (place / "Data").mkdir(parents=True)
            place.chmod(0o700)
            (place / "Data" / "weights").touch(0o600)
    finally:
        os.umask(before)
    made = tmp_path / "a.mlpackage"
    modes = [path.stat().st_mode & 0o777 for path in (made, made / "Data", made / "Data/weights")]
    assert modes == [folder, folder, file]


@pytest.mark.parametrize("writing", [staged, atomic_file])
def test_what_a_link_points_to_is_replaced(writing: Writing, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    kept, link = tmp_path / "store" / "v1", tmp_path / "artifact.onnx"
    kept.write_text("old")
    link.symlink_to(kept)
    with writing(link) as place:
        place.write_text("new")
    assert link.is_symlink()
    assert kept.read_text() == "new"
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["artifact.onnx", "store", "v1"]


def half_written(target: Path) -> None:
    with staged(target) as place:
        place.write_text("half")
        raise KeyError


def test_a_failure_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "artifact.onnx"
    target.write_text("old")
    with pytest.raises(KeyError):
        half_written(target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.fixture(params=["replace", "rename"])
def failing_move(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moving anything onto a name that begins with "last" fails once, as a signal may make it."""
    kind, left = request.param, [SystemExit(143)]
    move = getattr(Path, kind)

    def moved(path: Path, to: Path) -> Path:
        if (path.name.startswith("last") or to.name.startswith("last")) and left:
            raise left.pop()
        return cast("Path", move(path, to))

    monkeypatch.setattr(Path, kind, moved)


def make_both(one: Path, other: Path) -> None:
    one.mkdir()
    other.mkdir()


def write_both(one: Path, other: Path) -> None:
    one.write_text("new")
    other.write_text("new")


@pytest.mark.usefixtures("failing_move")
def test_what_is_there_survives_a_move_that_fails(tmp_path: Path) -> None:
    first, last = tmp_path / "first", tmp_path / "last"
    for folder in (first, last):
        folder.mkdir()
        (folder / "old").touch()
    with pytest.raises(SystemExit), staged_together(first, last) as (one, other):
        make_both(one, other)
    assert {f.relative_to(tmp_path).as_posix() for f in tmp_path.rglob("*")} == {
        "first", "first/old", "last", "last/old",
    }  # fmt: skip


def test_an_interrupt_behind_the_last_move_leaves_what_is_new_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = tmp_path / "a.onnx", tmp_path / "a.onnx.json"
    for path in pair:
        path.write_text("old")
    replace = Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        moved = replace(self, target)
        if target == pair[1]:
            raise KeyboardInterrupt
        return moved

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt), staged_together(*pair) as places:
        write_both(*places)
    assert [path.read_text() for path in pair] == ["new", "new"]


def test_a_folder_in_the_way_of_a_file_stays(tmp_path: Path) -> None:
    (tmp_path / "a.zip").mkdir()
    (tmp_path / "a.zip" / "thesis").write_text("mine")
    with (
        pytest.raises(OutputError, match=r"a\.zip is a folder; expected a file"),
        staged(tmp_path / "a.zip") as place,
    ):
        place.write_text("new")
    assert (tmp_path / "a.zip" / "thesis").read_text() == "mine"


def test_a_file_in_the_way_of_a_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    with (
        pytest.raises(OutputError, match="a is a file; expected a folder"),
        staged(tmp_path / "a") as place,
    ):
        place.mkdir()
    assert (tmp_path / "a").read_text() == "mine"


@pytest.mark.parametrize("writing", [staged, atomic_file])
def test_who_may_read_a_file_stays_as_it_was(writing: Writing, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.touch(0o600)
    with writing(path) as place:
        place.write_text("new")
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("writing", [staged, atomic_file])
def test_a_name_may_be_as_long_as_the_system_allows(writing: Writing, tmp_path: Path) -> None:
    path = tmp_path / ("a" * 251 + ".zip")
    with writing(path) as place:
        place.write_text("new")
    assert path.read_text() == "new"


@pytest.mark.parametrize(
    ("free", "wanted", "told"),
    [(0, 0, "No space left"), (1 << 20, 1 << 22, "No space left"), (1 << 20, 0, "stream error")],
)
def test_a_library_that_cannot_tell_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, wanted: int, told: str
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    assert told in str(not_written(tmp_path, "stream error", wanted))


def test_two_that_write_at_once_do_not_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = tmp_path / "a.onnx", tmp_path / "a.onnx.json"
    replace, between = Path.replace, threading.Event()

    def slowly(self: Path, target: Path) -> Path:
        if target == pair[1] and self.read_text() == "first":
            between.set()
            time.sleep(0.3)
        return replace(self, target)

    def write(content: str) -> None:
        with staged_together(*pair) as places:
            for place in places:
                place.write_text(content)

    monkeypatch.setattr(Path, "replace", slowly)
    with ThreadPoolExecutor() as threads:
        first = threads.submit(write, "first")
        between.wait(10)
        second = threads.submit(write, "second")
    first.result()
    second.result()
    assert [path.read_text() for path in pair] == ["second", "second"]


def test_what_was_not_there_is_not_left_by_a_move_that_fails(tmp_path: Path) -> None:
    def without_the_second() -> None:
        with staged_together(tmp_path / "a.onnx", tmp_path / "a.onnx.json") as (artifact, _):
            artifact.write_text("new")

    with pytest.raises(OutputError):
        without_the_second()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "a.onnx").write_text("old")
    with pytest.raises(OutputError):
        without_the_second()
    assert (tmp_path / "a.onnx").read_text() == "old"


def test_a_place_that_is_no_folder_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError), staged(tmp_path / "file" / "artifact.onnx"):
        pytest.fail("nothing should be written")


@pytest.mark.parametrize("writing", [staged, atomic_file])
def test_what_is_write_protected_stays_and_is_told_first(
    writing: Writing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "made"
    target.write_text("old")
    monkeypatch.setattr(os, "access", lambda *_: False)  # an administrator may write anything
    with pytest.raises(OutputError, match="made is write-protected"), writing(target):
        pytest.fail("the block must not run")
    assert target.read_text() == "old"


def test_a_drive_without_modes_takes_files_and_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    (tmp_path / "file").write_text("old")
    monkeypatch.setattr(Path, "chmod", refuse)
    for name in ("file", "folder"):
        with staged(tmp_path / name) as place:
            if name == "folder":
                place.mkdir()
            (place / "inside" if name == "folder" else place).write_text("new")
    assert (tmp_path / "file").read_text() == "new"
    assert (tmp_path / "folder" / "inside").read_text() == "new"


def test_what_a_killed_process_left_goes_with_the_next_export(tmp_path: Path) -> None:
    target = tmp_path / "a.onnx"

    def left(name: str, inside: str = "", age_s: float = 1e4) -> Path:
        folder = tmp_path / f".a.{name}"
        for part in ("made", "replaced"):
            (folder / part).mkdir(parents=True)
        (folder / "made" / "a.onnx").touch()
        if inside:
            (folder / inside).touch()
        os.utime(folder, (time.time() - age_s,) * 2)
        return folder

    gone, kept = left("gone"), [left("moved", "replaced/a.onnx"), left("young", age_s=0.0)]
    kept += [left("other", "mine.txt")]
    with staged(target) as place:
        # What others are still writing to is not what they left.
        os.utime(place.parent.parent, (time.time() - 1e4,) * 2)
        with staged(target) as second:
            second.touch()
        assert place.parent.is_dir()
        place.touch()
    assert not gone.exists()
    assert all(folder.is_dir() for folder in kept)
