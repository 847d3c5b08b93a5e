"""A folder of one's own: what is made of it, and what is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from bokehflow.errors import OutputError
from bokehflow.sole_use import sole_use


@pytest.mark.parametrize("there", [False, True], ids=["new", "there before"])
@pytest.mark.parametrize("used", [False, True], ids=["empty", "used"])
def test_a_folder_that_was_made_for_nothing_goes(tmp_path: Path, there: bool, used: bool) -> None:
    folder = tmp_path / "run"
    if there:
        folder.mkdir()

    def refused() -> None:
        with sole_use(folder, "run", "choose another"):
            if used:
                (folder / "file").touch()
            raise KeyError

    with pytest.raises(KeyError):
        refused()
    assert folder.exists() == (there or used)
    assert not (folder / ".lock").exists()


def test_a_file_in_its_place_is_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with (
        pytest.raises(OutputError, match=r"run is a file; expected a folder|run cannot be written"),
        sole_use(tmp_path / "run", "run", "choose another"),
    ):
        pytest.fail("no folder")
