"""Artifacts appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from bokehflow.errors import OutputError
from bokehflow.export.staging import staged


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


def test_a_place_that_is_no_folder_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError), staged(tmp_path / "file" / "artifact.onnx"):
        pytest.fail("nothing should be written")
