"""Temporary folders: they go, and a full disk is told."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest

from bokehflow.errors import OutputError
from bokehflow.temporary import temporary_folder


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made in these tests."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_what_was_written_goes(place: Path) -> None:
    with temporary_folder() as folder:
        (folder / "a").write_text("a")
        assert folder.parent == place
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS], ids=os.strerror)
def test_a_full_disk_is_told_with_its_remedy(place: Path, number: int) -> None:
    with (
        pytest.raises(OutputError, match=rf"^{place} cannot be written: .*; free .* TMPDIR$"),
        temporary_folder(),
    ):
        raise OSError(number, os.strerror(number))
    assert list(place.iterdir()) == []


def test_that_no_folder_can_be_made_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object, **__: object) -> str:
        # As `tempfile.gettempdir` does.
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "mkdtemp", none)
    with pytest.raises(OutputError, match="No usable temporary directory"), temporary_folder():
        pass


@pytest.mark.parametrize(
    "error",
    [ValueError("a"), OSError(errno.EIO, "Input/output error"), FileNotFoundError(2, "no", "a")],
    ids=repr,
)
def test_other_errors_pass(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, temporary_folder():
        raise error
    assert raised.value is error
