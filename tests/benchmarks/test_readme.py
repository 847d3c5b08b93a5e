"""The README's figures are those of the committed result files."""

from pathlib import Path
from typing import NoReturn

import pytest

from bokehflow.benchmarks.readme import filled, gpu_table, kernels_table, latency_table, main
from bokehflow.errors import InputError, OutputError

ROOT = Path(__file__).resolve().parents[2]


def test_readme_holds_the_committed_results() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert filled(readme, ROOT / "benchmarks" / "results") == readme


def test_stale_figures_are_replaced() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    before, begin, table = readme.partition("<!-- quality:begin -->\n")
    stale = f"{before}{begin}| old | 1 |\n{table}"
    assert filled(stale, ROOT / "benchmarks" / "results") == readme


def test_a_check_writes_nothing_and_a_mistyped_one_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = (ROOT / "README.md").read_text(encoding="utf-8").replace("| renderer |", "| old |", 1)
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "results").symlink_to(ROOT / "benchmarks" / "results")
    (tmp_path / "README.md").write_text(stale, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["--check"]) == 1
    with pytest.raises(SystemExit):
        main(["--czech"])
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == stale
    assert main([]) == 0
    assert main(["--check"]) == 0


def test_a_readme_that_cannot_be_written_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(path: Path) -> NoReturn:
        raise OutputError(f"cannot write {path}")

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("bokehflow.benchmarks.readme.atomic_file", refuse)
    assert main([]) == OutputError.exit_code
    assert "cannot write README.md" in capsys.readouterr().err


def test_a_table_without_its_place_is_told() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="no place for latency"):
        filled(readme.replace("<!-- latency:end -->", ""), ROOT / "benchmarks" / "results")


def test_a_result_file_that_is_missing_or_damaged_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "quality.json").write_text("{")
    with pytest.raises(InputError, match=r"quality\.json cannot be read"):
        filled("", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["--check"]) == InputError.exit_code
    assert "README.md cannot be read" in capsys.readouterr().err


def test_a_record_that_lacks_what_is_shown_is_told(tmp_path: Path) -> None:
    (tmp_path / "quality.json").write_text("{}")
    with pytest.raises(InputError, match=r"quality\.json lacks .*'renderers'"):
        filled("", tmp_path)


def test_a_gpus_row_that_did_not_run_says_so() -> None:
    row = {"runtime": {"name": "torch"}, "host": {"gpu": "a GPU"}, "times": None, "memory": None}
    table = gpu_table({"rows": [{**row, "artifact": {"frame_size": "720x1280"}}]})
    assert "| 720x1280 | not run | not run | not run |" in table


def test_kernels_that_were_not_reached_are_not_run() -> None:
    case = {"case": "nano_720p", "pass": "forward"}
    times, floors = {"ours": 0.1, "fla": 1.0, "chunked": 5.0}, {"bytes_ms": 0.03}
    reached = [{**case, "contender": c, "p50_ms": t, "floors": floors} for c, t in times.items()]
    missing = [{**case, "case": "nano_1080p", "contender": c} for c in times]
    bar = {"name": "floors", "limit": 3.0, "at_least": False, "found": None, "holds": None}
    table = kernels_table({"device": "a GPU", "layers": [*reached, *missing], "bars": [bar]})
    assert "| 720p, forward | 0.100 | 1.000 | 5.000 | 10.0 | 0.030 |" in table
    assert "| 1080p, forward | not run | not run | not run | not run | not run |" in table
    assert "| floors | <= 3 | not run |" in table


@pytest.mark.parametrize(
    ("runtime", "label"), [("torch", "allocated by PyTorch"), ("onnxruntime", "by everyone")]
)
def test_memory_of_a_gpu_says_whose_it_is(runtime: str, label: str) -> None:
    row = {
        "runtime": {"name": runtime},
        "host": {"gpu": "a GPU"},
        "artifact": {"frame_size": "720x1280"},
        "times": {"p50_ms": 2.0, "fps": 500.0},
        "memory": {"device_peak_bytes": 3e8},
    }
    heading = gpu_table({"rows": [row]}).splitlines()[0]
    assert label in heading


def test_latency_says_what_was_not_run_and_what_was_missed() -> None:
    row = {"group": "mobile profile", "threads": 2, "model": "artifact", "scan": "chunked"}
    measured = {"status": "ok", "times": {"p50_ms": 99.6}, "memory": {"process_peak_bytes": 5e8}}
    rows = [
        {**row, **measured, "runtime": "openvino", "arguments": {"precision": "bf16"}},
        {**row, "runtime": "coreml", "arguments": {}, "status": "not run", "reason": "macOS only",
         "times": None, "memory": None},
    ]  # fmt: skip
    rows[0]["memory"] = {"process_peak_bytes": None}
    assert "| openvino bf16, chunked | 100 | not run |" in latency_table({"rows": rows, "bars": []})
    rows[0]["memory"] = {"process_peak_bytes": 5e8}
    bar = {"name": "speed", "limit": 2.0, "unit": "x", "at_least": False}
    bars = [{**bar, "found": 3.0, "holds": False}, {**bar, "found": None, "holds": None}]
    table = latency_table({"rows": rows, "bars": bars})
    assert "| openvino bf16, chunked | 100 | 500 |" in table
    assert "| coreml, chunked | not run | macOS only |" in table
    assert "| speed | <= 2 x | 3 x, missed |" in table
    assert "| speed | <= 2 x | not run |" in table
