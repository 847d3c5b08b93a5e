"""What changed in a run under way is noted once, whole, and read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from bokehflow.errors import InputError
from bokehflow.training.changes import CHANGES, Change, note_change, read_changes


def test_changes_come_back_in_order_and_once(tmp_path: Path) -> None:
    assert read_changes(tmp_path) == ()
    for step, keys in ((4, ["seed"]), (9, ["stages", "clips"]), (9, ["stages", "clips"])):
        note_change(tmp_path, step, keys)
    assert read_changes(tmp_path) == (Change(4, "seed"), Change(9, "stages, clips"))
    assert [path.name for path in tmp_path.iterdir()] == [CHANGES]


@pytest.mark.parametrize("last", ["4", "four,seed", "4,seed,more\n"])
def test_damaged_rows_are_told_and_never_written_to(tmp_path: Path, last: str) -> None:
    path = tmp_path / CHANGES
    path.write_text(f"step,changed\n2,seed\n{last}", encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"changes\.csv cannot be read"):
        note_change(tmp_path, 5, ["stages"])
    assert path.read_bytes() == before
