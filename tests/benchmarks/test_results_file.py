"""Result files appear whole and hold what JSON can."""

from __future__ import annotations

from pathlib import Path

import pytest

from bokehflow.benchmarks.results_file import read_record, write_json, write_results
from bokehflow.benchmarks.tables import Table
from bokehflow.json_text import json_text


def test_json_holds_paths_as_text_and_no_infinity() -> None:
    assert json_text({"output": Path("a") / "b"}) == '{\n  "output": "a/b"\n}'
    with pytest.raises(ValueError, match="JSON"):
        json_text({"db": float("inf")})


def test_a_value_that_json_lacks_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_json(path, {"db": 1.0})
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"db": float("nan")})
    assert path.read_text() == '{\n  "db": 1.0\n}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_a_record_may_begin_as_some_editors_begin_texts(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text('{"schema": "a/1"}', encoding="utf-8-sig")
    with read_record(path, "a/1", "`bfx a`") as document:
        assert document == {"schema": "a/1"}


def test_tables_lie_beside_the_record(tmp_path: Path) -> None:
    table = Table("T", ("name", "a"), [("x", "1")])
    write_results(tmp_path, "speed", {"a": 1}, [table])
    assert (tmp_path / "speed.json").read_text() == '{\n  "a": 1\n}\n'
    assert (tmp_path / "speed.md").read_text() == table.markdown() + "\n"


def test_cells_of_markdown_are_text() -> None:
    table = Table("t", ("name",), (("a|b<i>\nc",),))
    assert table.markdown().splitlines()[-1] == r"| a\|b&lt;i> c |"
