"""The page, the Markdown and the JSON of one report."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import re
from pathlib import Path

import pytest

from bokehflow.benchmarks.report.charts import GRID, INK, SERIES
from bokehflow.benchmarks.report.document import SCHEMA, Latency, ShotFacts
from bokehflow.benchmarks.report.facts import fact_tables
from bokehflow.benchmarks.report.files import (
    report_markdown,
    require_report_files,
    write_report,
)
from bokehflow.benchmarks.report.page import render_page
from bokehflow.benchmarks.report.quality_tables import against_reference_table
from bokehflow.benchmarks.report.recorded import DriftPoint, RecordedLayer
from bokehflow.benchmarks.report.recorded_tables import recorded_tables
from bokehflow.benchmarks.report.subjects import first_float32
from bokehflow.benchmarks.report.tables import all_tables, frame_table, summary_table
from bokehflow.errors import OutputError, UsageError
from bokehflow.export import Artifact
from tests.benchmarks.report.samples import (
    absent_row,
    int8_row,
    made_report,
    made_scenes,
    manifest,
    reference_row,
)


@pytest.fixture(scope="module")
def page() -> str:
    """The page of the made-up report."""
    return render_page(made_report(), made_scenes())


def test_a_name_with_dollars_is_no_formula() -> None:
    layer = RecordedLayer("a$\\foo{$b", 10.0, kept_float=False)
    recorded = int8_row().quantization
    assert recorded is not None
    row = dataclasses.replace(
        int8_row(), quantization=dataclasses.replace(recorded, layers=(layer,))
    )
    assert render_page(made_report(rows=(reference_row(), row)), made_scenes())


@pytest.mark.parametrize(("frames", "listed"), [(3, 3), (11, 11), (20, 11), (30, 11)])
def test_the_drift_is_listed_evenly_and_to_its_end(frames: int, listed: int) -> None:
    row = int8_row()
    assert row.quantization is not None
    drift = tuple(DriftPoint(frame, 1.0, 1.0, 40.0) for frame in range(frames))
    recorded = dataclasses.replace(row.quantization, drift=drift)
    tables = recorded_tables(dataclasses.replace(row, quantization=recorded))
    (table,) = (table for table in tables if table.title.startswith("Carried state of"))
    assert len(table.rows) == listed
    assert (table.rows[0][0], table.rows[-1][0]) == ("0", str(frames - 1))


def test_the_same_report_gives_the_same_page(page: str) -> None:
    assert render_page(made_report(), made_scenes()) == page


def test_the_page_asks_for_nothing(page: str) -> None:
    markup, _, _ = page.partition("<script")
    places = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"'\s>)]+)""", markup)
    assert places
    allowed = ("data:", "#", "http://www.w3.org/1999/xlink")
    assert [place for place in places if not place.startswith(allowed)] == []
    assert "@import" not in page


def test_names_are_text_and_never_markup(page: str) -> None:
    assert "<b>&amp;.xml" not in page
    assert "&lt;b&gt;&amp;amp;.xml" in page
    # One that is data, one that runs.
    assert page.count("</script>") == 2


def test_every_picture_and_caption_comes_back_from_the_page(page: str) -> None:
    found = re.search(
        r'<script type="application/json" id="scenes">(.*?)</script>', page, re.DOTALL
    )
    assert found is not None
    (scene,) = json.loads(found[1])
    assert scene["caption"] == "motorcycle </script>"
    heats = {item["label"]: item["heat"] for item in scene["items"]}
    assert heats["#1 onnx fp32"] is None
    assert all(item["picture"].startswith("data:image/webp") for item in scene["items"])


def test_charts_follow_the_theme(page: str) -> None:
    # Quality against reference and truth, each by time and size; frames; layers, scans, drift.
    assert page.count("<svg") == 4 + 2 + 3
    for stand_in in (INK, GRID, *SERIES):
        assert stand_in not in page
    assert "var(--series-2)" in page
    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names))


def test_what_is_not_there_is_said_in_words(page: str) -> None:
    assert "not run: openvino is missing" in page
    assert "estimated: by an evaluator, not by its engine, 2 of 3 frames" in page
    assert "misses bokeh lost against truth, dB" in page
    assert "NaN" not in page
    assert "None" not in page


def test_untrained_weights_are_said_first() -> None:
    assert "Untrained weights" in render_page(made_report(trained=False), [])
    assert "Untrained weights" not in render_page(made_report(), [])


def test_tables_are_rectangular_and_complete() -> None:
    report = made_report()
    tables = [*all_tables(report), frame_table(report)]
    for table in tables:
        assert {len(row) for row in table.rows} == {len(table.columns)}, table.title
    assert len({table.title for table in tables}) == len(tables)
    assert [row[0] for row in summary_table(report).rows] == ["1", "2", "3", "4"]
    assert report_markdown(report).count("### ") == len([*tables, *fact_tables(report)])


def test_figures_are_the_reports_own() -> None:
    text = report_markdown(made_report())
    assert "| 2 | onnx int8 | 1.50 MB | 41.5 | +0.50 | 80.0 |" in text
    assert "| 3 | onnx".replace("onnx", "coreml fp16") in text
    assert "| 3 | 67.0 | not run |".replace("67.0 | not run", "41.5 | not run") in text


def test_all_three_files_are_written_and_agree(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "report.html"
    require_report_files(path)
    assert list(path.parent.iterdir()) == []
    files = write_report(path, made_report(), made_scenes())
    assert [file.suffix for file in files] == [".html", ".json", ".md"]
    document = json.loads(files[1].read_text())
    assert document["schema"] == SCHEMA
    assert document["rows"][1]["checks"][1]["holds"] is False
    assert document["rows"][3]["status"] == "not run: openvino is missing"
    assert document["rows"][1]["quantization"]["layers"][0]["kept_float"] is True


@pytest.mark.parametrize(
    ("name", "error"),
    [("report.pdf", UsageError), ("folder.html", OutputError)],
    ids=["suffix", "folder"],
)
def test_a_place_that_cannot_be_written_is_told_before_work(
    tmp_path: Path, name: str, error: type[Exception]
) -> None:
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(error):
        require_report_files(tmp_path / name)


def test_missed_bars_are_listed() -> None:
    assert made_report().missed == ["#2 onnx int8: bokeh lost against truth, dB 0.5"]


def test_no_other_file_is_written_over(tmp_path: Path) -> None:
    manifest = tmp_path / "nano_openvino.json"
    manifest.write_text('{"schema": 3}')
    with pytest.raises(UsageError, match=r"nano_openvino\.json"):
        require_report_files(tmp_path / "nano_openvino.html")
    (tmp_path / "README.md").write_text("# Of a project")
    with pytest.raises(UsageError, match=r"README\.md"):
        require_report_files(tmp_path / "README.html")
    write_report(tmp_path / "report.html", made_report(), made_scenes())
    require_report_files(tmp_path / "report.html")
    assert manifest.read_text() == '{"schema": 3}'


def test_a_name_that_is_no_text_costs_no_report(tmp_path: Path) -> None:
    shot = ShotFacts("caf\udce9.jpg", 3, "50 mm f/1.8 focused at 3 m", 1.5)
    files = write_report(tmp_path / "report.html", made_report(film=(shot,)), made_scenes())
    assert all(path.read_text(encoding="utf-8") for path in files)


def test_a_row_that_went_wrong_is_missed() -> None:
    failed = dataclasses.replace(absent_row(), reason="depth holds NaN", failed=True)
    assert failed.status == "failed: depth holds NaN"
    assert made_report(rows=(reference_row(), failed)).missed == ["#4 openvino fp16: failed"]
    assert made_report(rows=(reference_row(), failed)).unjudged == []
    untimed = Latency("not run", "ended by SIGKILL", failed=True)
    crashed = dataclasses.replace(reference_row(), latency=untimed)
    assert made_report(rows=(crashed,)).missed == [f"{crashed.short_name}: its time"]
    absent = made_report(rows=(reference_row(), absent_row()))
    assert (absent.missed, len(absent.unjudged)) == ([], 1)


def test_a_quantized_row_that_was_not_shown_the_truth_is_not_judged() -> None:
    blind = dataclasses.replace(int8_row(), truth=None)
    seen = made_report(rows=(reference_row(), int8_row()))
    by_itself = made_report(rows=(reference_row(), blind))
    by_the_reference = made_report(
        rows=(dataclasses.replace(reference_row(), truth=None), int8_row())
    )
    truth = int8_row().truth
    assert truth is not None
    halves = [dataclasses.replace(truth, **{half: None}) for half in ("bokeh", "depth")]
    by_half = [
        made_report(rows=(reference_row(), dataclasses.replace(int8_row(), truth=half)))
        for half in halves
    ]
    assert seen.unjudged == []
    for report in (by_itself, by_the_reference, *by_half):
        assert [text.partition(": ")[2] for text in report.unjudged] == [
            "not compared with the reference against truth"
        ]


def test_a_reference_alone_is_not_judged() -> None:
    assert made_report(rows=(reference_row(),)).unjudged == ["the reference alone was run"]


def test_means_are_of_all_frames_and_say_so_where_they_are_not() -> None:
    row = int8_row()
    assert row.film is not None
    film = dataclasses.replace(row.film, bokeh_psnr_db=(50.0, 60.0, 130.0), scored=(0, 2))
    table = against_reference_table(
        made_report(rows=(reference_row(), dataclasses.replace(row, film=film)))
    )
    shown = dict(zip(table.columns, table.rows[1], strict=True))
    assert shown["bokeh worst, dB"] == "50.0"
    assert shown["bokeh mean, dB"] == "80.0"
    assert (shown["frames"], shown["of them closely"]) == ("3", "2")


def test_markdown_tells_what_the_figures_rest_on() -> None:
    text = report_markdown(made_report())
    for fact in ("50 mm f/1.8 focused at 3 m", "layered/000072.npz", "3" * 64, "numpy 2"):
        assert fact in text


def test_the_reference_is_one_that_runs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    package, onnx = (
        Artifact(Path(name), manifest(target=target))
        for name, target in (("a.mlpackage", "coreml"), ("a.onnx", "onnx"))
    )
    monkeypatch.setattr("sys.platform", "linux")
    assert first_float32([package, onnx]) is onnx
    assert first_float32([package]) is None
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert first_float32([package, onnx]) is None
    monkeypatch.setattr("sys.platform", "darwin")
    assert first_float32([package, onnx]) is package
