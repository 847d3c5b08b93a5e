"""`bfx quality` from end to end on small scenes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from bokehflow.benchmarks.quality.bars import check_bars
from bokehflow.benchmarks.quality.report import SCHEMA
from bokehflow.benchmarks.quality.run import QualityConfig
from bokehflow.benchmarks.tables import Table
from bokehflow.cli.quality import quality
from bokehflow.errors import InputError, OutputError, SizeError, UnknownNameError, UsageError
from bokehflow.media import write_photo


def test_a_small_run_writes_a_record_tables_and_pictures(tmp_path: Path) -> None:
    out, pictures = tmp_path / "out", tmp_path / "pictures"
    result = quality(size="48x64", scenes="hair", renderer="mobile", output=out, pictures=pictures)
    document = json.loads((out / "quality.json").read_text())
    assert document == json.loads(json.dumps(dict(result.document)))
    assert document["schema"] == SCHEMA
    assert list(document["renderers"]) == ["no blur", "mobile"]
    mobile = document["renderers"]["mobile"]
    sharp = document["renderers"]["no blur"]
    assert mobile["score"]["mean"]["overall_psnr_db"] > sharp["score"]["mean"]["overall_psnr_db"]
    assert len(mobile["depth_studies"]) == 2
    assert not sharp["depth_studies"]
    assert [time["height"] for time in mobile["speed"]] == [360, 720]
    assert all(0.0 < time["least_s"] <= time["median_s"] for time in mobile["speed"])
    assert not sharp["speed"]
    assert set(document["environment"]["packages"]) >= {"torch", "numpy"}
    # Bars that are means over the whole set say nothing about one tiny scene.
    assert all("won back" not in check["name"] for check in document["checks"])
    assert result.exit_code == int(any(not check["holds"] for check in document["checks"]))
    assert "### Half-planes" in (out / "quality.md").read_text()
    names = {path.name for path in pictures.iterdir()}
    assert names >= {"hair-0-before.jpg", "hair-0-truth.jpg", "hair-0-mobile.jpg"}


def test_scenes_on_disk_can_be_scored(tmp_path: Path) -> None:
    written = quality(size="48x64", scenes="ground", write_scenes=tmp_path)
    place = tmp_path / "ground-0"
    assert written.document["scenes"] == [place]
    (place / "bokeh.png").write_bytes((place / "truth.png").read_bytes())
    result = quality(score_files=tmp_path)
    scenes = result.document["scenes"]
    assert isinstance(scenes, dict)
    assert scenes["ground-0"]["overall"]["psnr_db"] == 100.0
    assert "ground-0" in result.text


def test_a_picture_of_another_size_is_named(tmp_path: Path) -> None:
    quality(size="48x64", scenes="ground", write_scenes=tmp_path)
    path = tmp_path / "ground-0" / "bokeh.png"
    write_photo(path, torch.zeros(1, 3, 20, 20))
    with pytest.raises(SizeError, match=r"ground-0/bokeh\.png is 20x20; expected 48x64"):
        quality(score_files=tmp_path)


def test_scenes_without_pictures_are_refused(tmp_path: Path) -> None:
    quality(size="48x64", scenes="ground", write_scenes=tmp_path)
    with pytest.raises(InputError, match=r"bokeh\.png"):
        quality(score_files=tmp_path)


@pytest.mark.parametrize("option", ["output", "pictures", "write_scenes"])
def test_a_folder_that_cannot_be_written_is_told_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    def work(*_: object) -> None:
        raise AssertionError("scenes made")

    monkeypatch.setattr("bokehflow.benchmarks.quality.run.benchmark_scenes", work)
    (tmp_path / "file").write_text("")
    places: dict[str, Any] = {option: tmp_path / "file"}
    with pytest.raises(OutputError, match="is a file; expected a folder"):
        quality(size="48x64", scenes="hair", **places)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"kinds": ("grund",)}, UnknownNameError),
        ({"renderers": ("bets",)}, UnknownNameError),
        ({"seed": -1}, UsageError),
    ],
    ids=["scene", "renderer", "seed"],
)
def test_a_wrong_name_is_refused_before_any_work(
    arguments: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        QualityConfig(**arguments)  # type: ignore[arg-type]


def test_nothing_rendered_is_nothing_judged() -> None:
    assert check_bars(QualityConfig(), {}) == []


def test_markdown_aligns_numbers() -> None:
    table = Table("T", ("name", "a"), [("x", "1")])
    assert table.markdown().splitlines() == [
        "### T",
        "",
        "| name | a |",
        "| --- | ---: |",
        "| x | 1 |",
    ]
