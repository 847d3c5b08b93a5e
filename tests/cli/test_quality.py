"""`bfx quality`: what its options leave no room for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.runner import Bfx


@pytest.mark.parametrize(
    ("option", "other"),
    [
        ("--score-files", ("--seed", 3)),
        ("--score-files", ("--scenes", "portrait")),
        ("--score-files", ("--size", "48x64")),
        ("--score-files", ("--write-scenes", "elsewhere")),
        ("--score-files", ("--renderer", "best")),
        ("--score-files", ("--pictures", "elsewhere")),
        ("--write-scenes", ("--renderer", "best")),
        ("--write-scenes", ("-o", "elsewhere")),
    ],
    ids=str,
)
def test_what_an_option_would_drop_is_refused(
    bfx: Bfx, tmp_path: Path, option: str, other: tuple[object, ...]
) -> None:
    line = bfx("quality", option, tmp_path / "scenes", *other).require_plain_error(2)
    assert f"{option} together with --" in line
    assert not (tmp_path / "scenes").exists()


@pytest.mark.parametrize("option", ["--scenes", "--renderer"])
def test_a_list_that_names_nothing_is_not_all(bfx: Bfx, option: str) -> None:
    assert f"{option} ','" in bfx("quality", option, ",").require_plain_error(2)
