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


def test_written_scenes_can_be_scored(bfx: Bfx, tmp_path: Path) -> None:
    small = ("--scenes", "ground", "--size", "32x48", "--seed", 1)
    (place,) = bfx("quality", "--write-scenes", tmp_path, *small, "--json").document["scenes"]
    frame = Path(place) / "frame.png"
    frame.with_name("bokeh.png").write_bytes(frame.read_bytes())
    scores = bfx("quality", "--score-files", tmp_path, "--json").document["scenes"]
    assert scores.keys() == {Path(place).name}
