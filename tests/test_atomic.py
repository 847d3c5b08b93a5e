from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from bokehflow.atomic import (
    atomic_file,
    atomic_folder,
    make_folder,
    output_folder,
    require_writable,
    require_writable_folder,
)
from bokehflow.errors import OutputError
from bokehflow.sole_use import sole_use
from tests.media.samples import names_in


def _write_half(path: Path, error: BaseException) -> None:
    path.write_text("half")
    raise error


def test_file_appears_when_the_block_succeeds(tmp_path: Path) -> None:
    target = tmp_path / "a.png"
    with atomic_file(target) as hidden:
        hidden.write_text("new")
        assert not target.exists()
        assert hidden.suffix == ".png"
    assert target.read_text() == "new"
    assert names_in(tmp_path) == ["a.png"]


def test_file_gets_the_usual_permissions(tmp_path: Path) -> None:
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    with atomic_file(tmp_path / "ours"):
        pass
    assert stat.S_IMODE((tmp_path / "ours").stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)


@pytest.mark.parametrize(
    "error", [ValueError, KeyboardInterrupt, SystemExit], ids=lambda e: e.__name__
)
def test_failure_keeps_the_old_file_and_leaves_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    target = tmp_path / "a.png"
    target.write_text("old")
    with pytest.raises(error), atomic_file(target) as hidden:
        _write_half(hidden, error())
    assert target.read_text() == "old"
    assert names_in(tmp_path) == ["a.png"]


def test_a_private_file_stays_private(tmp_path: Path) -> None:
    target = tmp_path / "ours"
    target.touch(mode=0o600)
    with atomic_file(target) as hidden:
        hidden.write_text("new")
    assert (stat.S_IMODE(target.stat().st_mode), target.read_text()) == (0o600, "new")


def test_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stop"), atomic_folder(tmp_path / "d") as hidden:
        _write_half(hidden / "inside", ValueError("stop"))
    assert names_in(tmp_path) == []
    with atomic_folder(tmp_path / "d") as hidden:
        (hidden / "inside").write_text("x")
    assert names_in(tmp_path) == ["d"]
    with pytest.raises(OutputError, match="already exists"), atomic_folder(tmp_path / "d"):
        pass


def test_a_folder_that_others_made_meanwhile_stays_theirs(tmp_path: Path) -> None:
    target = tmp_path / "d"
    with pytest.raises(OutputError, match="already exists"), atomic_folder(target):
        (target / "theirs").mkdir(parents=True)
    assert names_in(tmp_path) == ["d"]
    assert names_in(target) == ["theirs"]


@pytest.mark.parametrize("place", ["missing/a.png", "file/a.png", "folder", "n" * 300 + ".png"])
def test_impossible_places_are_told_at_once(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    before = names_in(tmp_path)
    with pytest.raises(OutputError):
        require_writable(tmp_path / place)
    with pytest.raises(OutputError), atomic_file(tmp_path / place):
        pytest.fail("the block must not run")
    assert names_in(tmp_path) == before


def test_the_longest_name_of_a_file_can_be_written(tmp_path: Path) -> None:
    for stem in ("n" * 251, "\N{LATIN SMALL LETTER E WITH ACUTE}" * 125):
        target = tmp_path / f"{stem}.png"
        with atomic_file(target) as hidden:
            hidden.write_text("whole")
        assert target.read_text() == "whole"
    assert len(names_in(tmp_path)) == 2


def test_links_that_lead_in_a_circle_are_replaced(tmp_path: Path) -> None:
    loop = tmp_path / "loop.png"
    loop.symlink_to(loop)
    with atomic_file(loop) as hidden:
        hidden.write_text("whole")
    assert loop.read_text() == "whole"
    assert names_in(tmp_path) == ["loop.png"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC], ids=os.strerror)
def test_a_refusal_while_writing_is_one_plain_error(tmp_path: Path, number: int) -> None:
    with pytest.raises(OutputError, match=os.strerror(number)), atomic_file(tmp_path / "a.png"):
        raise OSError(number, os.strerror(number))
    assert names_in(tmp_path) == []


def test_another_file_is_blamed_where_it_is_at_fault(tmp_path: Path) -> None:
    def read_another() -> None:
        with atomic_file(tmp_path / "out.mp4"):
            (tmp_path / "missing.npy").read_bytes()

    with pytest.raises(OutputError) as caught:
        read_another()
    assert str(caught.value) == f"{tmp_path / 'missing.npy'}: No such file or directory"


def test_a_pipe_is_no_file_to_be_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(OutputError, match="device or a pipe"):
        require_writable(tmp_path / "pipe.png")
    assert stat.S_ISFIFO((tmp_path / "pipe.png").stat().st_mode)


def test_what_is_write_protected_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.png"
    target.write_text("mine")
    monkeypatch.setattr(os, "access", lambda *_: False)  # an administrator may write anything
    with pytest.raises(OutputError, match="write-protected; choose another name"):
        require_writable(target)


def test_a_link_that_leads_nowhere_is_in_the_way_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "new").symlink_to(tmp_path / "missing")
    with pytest.raises(OutputError, match="already exists"), atomic_folder(tmp_path / "new"):
        pytest.fail("the block must not run")


def test_a_folder_to_write_to_is_made_and_left_empty(tmp_path: Path) -> None:
    require_writable_folder(tmp_path / "new" / "deeper")
    assert names_in(tmp_path / "new" / "deeper") == []
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file is a file; expected a folder"):
        require_writable_folder(tmp_path / "file")


def test_a_folder_that_is_told_from_here_is_named_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "touch", refuse)  # an administrator may write anything
    with pytest.raises(OutputError, match=r"^here cannot be written: Permission denied; choose"):
        require_writable_folder(Path("here"))


def test_a_file_on_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for deeper in ("sub", "sub/deeper"):
        with (
            pytest.raises(
                OutputError, match="/file is not a folder; expected a folder to write into; choose"
            ),
            atomic_file(tmp_path / "file" / deeper / "x.json"),
        ):
            pytest.fail("the block must not run")


def test_a_folder_is_made_with_its_parents_and_may_be_there(tmp_path: Path) -> None:
    for _ in range(2):
        make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "b"):
        with pytest.raises(OutputError, match=r"file is (a file|not a folder)"):
            make_folder(place)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt], ids=lambda e: e.__name__)
def test_folders_that_were_made_go_where_the_block_fails(
    tmp_path: Path, error: type[BaseException]
) -> None:
    with pytest.raises(error), output_folder(tmp_path / "a" / "b"):
        raise error
    assert names_in(tmp_path) == []
    with pytest.raises(error), output_folder(tmp_path / "a" / "b"):
        _write_half(tmp_path / "a" / "kept", error())
    assert names_in(tmp_path / "a") == ["kept"]


def test_a_file_in_place_of_a_folder_for_one_user_is_told_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(OutputError, match="file is a file; expected a folder"),
        sole_use(tmp_path / "file", "bfx data make", "go on"),
    ):
        pass


def test_no_folder_is_made_that_has_the_homes_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="begins with ~"):
        make_folder(Path("~/out"))
    assert list(tmp_path.iterdir()) == []
    Path("~").mkdir()  # by hand
    make_folder(Path("~/out"))
