"""One go of the suite: rows that last, results that are written, interruptions that cost a row."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bokehflow.benchmarks.latency.settings import Settings
from bokehflow.benchmarks.suite import __main__ as suite
from bokehflow.benchmarks.suite import rows, sources
from bokehflow.benchmarks.suite.cases import Case, ModelSpec
from bokehflow.benchmarks.suite.sources import (
    PACKAGE,
    kept_name,
    source_sha256,
    watched_files,
)
from bokehflow.export import Artifact
from bokehflow.export.artifacts.naming import manifest_path
from bokehflow.specs import Size

TINY = Size(96, 160)
MODEL = ModelSpec("artifact", "onnx", "chunked", TINY, TINY)
REAL = Case("mobile profile", MODEL, "onnxruntime", Settings(2, 0, 1, profile=3))
ON_GPU = Case("CUDA", MODEL, "torch", Settings(2, 0, arguments={"device": "cuda"}), on_gpu=True)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the suite on the two cases above; returns the exit code."""
    monkeypatch.setattr(suite, "all_cases", lambda: [ON_GPU, REAL])
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)

    def call(*arguments: str) -> int:
        places = ["--work", str(tmp_path / "work"), "--output", str(tmp_path / "results")]
        return suite.main([*arguments, *places])

    return call


def result(tmp_path: Path) -> Any:
    return json.loads((tmp_path / "results" / "latency.json").read_text())


def rows_folder(tmp_path: Path) -> Path:
    return tmp_path / "work" / kept_name(source_sha256()) / "rows"


def test_a_row_is_measured_and_the_results_are_written(
    run: Any, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    # The model is there already, as after an interrupted run.
    made = rows_folder(tmp_path).parent / "models" / MODEL.name
    made.mkdir(parents=True)
    for path in (artifacts["onnx"].path, manifest_path(artifacts["onnx"].path)):
        shutil.copy(path, made)
    (made / "facts.json").write_text('{"seconds": 12.5, "nodes": 7}')
    assert run() == 0
    gpu, real = result(tmp_path)["rows"]
    assert (gpu["status"], gpu["reason"], gpu["times"]) == ("not run", "no CUDA device", None)
    assert real["status"] == "ok"
    assert real["times"]["frames"] == 2
    assert min(real["p50_ms_of_rounds"]) == real["times"]["p50_ms"]
    assert len(real["p50_ms_of_rounds"]) == 2
    assert real["stages"]["by_stage"]
    assert (real["export_s"], real["nodes"]) == (12.5, 7)
    markdown = (tmp_path / "results" / "latency.md").read_text()
    assert "not run: no CUDA device" in markdown
    assert "| export to ONNX |" in markdown


OK: dict[str, Any] = {
    "status": "ok",
    "reason": None,
    "times": {"p50_ms": 1.0, "p90_ms": 1.0, "variation": 0.0, "fps": 1000.0},
    "memory": {"process_peak_bytes": None},
    "export_s": None,
    "nodes": None,
}
"""What is kept of a row that was measured."""


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What measuring gives, one a row, in turn."""
    answers: list[dict[str, Any]] = []
    monkeypatch.setattr(rows, "measured_or_why_not", lambda *_: answers.pop(0))
    return answers


def test_rows_last_until_they_are_asked_for_afresh(
    run: Any, measured: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    only = ("--only", ON_GPU.key)
    measured += [OK] * 6
    assert run(*only) == run(*only) == 0
    assert len(measured) == 4  # two rounds
    run(*only, "--fresh")
    assert len(measured) == 2
    monkeypatch.setattr(sources, "installed_versions", lambda _: {"numpy": "another"})
    run(*only)
    assert measured == []


def test_some_rows_afresh_leave_the_others_and_a_damaged_one_is_measured_again(
    run: Any, measured: list[dict[str, Any]], tmp_path: Path
) -> None:
    measured += [OK] * 7
    run()
    models = rows_folder(tmp_path).parent / "models"
    (models / "made").touch()
    run("--only", ON_GPU.key, "--fresh")
    assert len(measured) == 1
    assert len(list(rows_folder(tmp_path).iterdir())) == 4
    assert (models / "made").exists()
    (rows_folder(tmp_path) / f"{REAL.key}.2.json").write_text("")
    run()
    assert measured == []


@pytest.mark.parametrize("changed", [{"processor": "an ARM"}, {"cpu_count": 3}, {"gpu": "an A10"}])
def test_rows_of_another_machine_are_not_taken(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, object]
) -> None:
    here, name = sources.describe_host(), kept_name("a hash")
    assert kept_name("a hash") == name
    monkeypatch.setattr(sources, "describe_host", lambda: {**here, **changed})
    assert kept_name("a hash") != name


@pytest.mark.parametrize("status", ["not run", "crashed", "failed", "timed out"])
def test_what_could_not_be_measured_is_tried_again(
    run: Any, measured: list[dict[str, Any]], tmp_path: Path, status: str
) -> None:
    failed = {"status": status, "reason": "why", "times": None, "memory": None}
    measured += [failed, failed, OK, OK]
    run("--only", ON_GPU.key)
    assert list(rows_folder(tmp_path).iterdir()) == []
    assert run("--only", ON_GPU.key) == 0
    assert measured == []
    assert len(list(rows_folder(tmp_path).iterdir())) == 2


def test_some_rows_are_printed_but_do_not_replace_the_results(run: Any, tmp_path: Path) -> None:
    run("--only", ON_GPU.key)
    assert list((tmp_path / "results").iterdir()) == []


def test_an_interruption_costs_the_row_it_meets(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(case: Case, _: Path) -> dict[str, Any]:
        if case == ON_GPU:
            return OK
        raise KeyboardInterrupt

    monkeypatch.setattr(rows, "measured_or_why_not", interrupted)
    assert run() == 130
    assert "are kept" in capsys.readouterr().err
    assert [path.stem for path in rows_folder(tmp_path).iterdir()] == [f"{ON_GPU.key}.1"]
    assert not (tmp_path / "results" / "latency.json").exists()


def test_a_pattern_that_fits_no_row_is_refused(
    run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--only", "nothing*") == 2
    assert "--list" in capsys.readouterr().err
    assert run("--list") == 0
    assert REAL.key in capsys.readouterr().out


def test_sources_are_hashed_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PACKAGE", tmp_path)
    source = tmp_path / "export" / "graph.py"
    source.parent.mkdir()
    for path in (source, tmp_path / "model.py"):
        path.write_bytes(b"a = 1\n")
    before = source_sha256()
    assert len(before) == 64
    source.with_name("notes.txt").write_bytes(b"not a source")
    assert source_sha256() == before
    source.write_bytes(b"a = 2\n")
    changed = source_sha256()
    assert changed != before
    source.rename(source.with_name("other.py"))
    assert source_sha256() not in (before, changed)


def test_every_module_that_a_graph_is_made_with_is_watched() -> None:
    listing = (
        "import sys, bokehflow.pipeline, bokehflow.export.export;"
        "print(*(m.__file__ for m in sys.modules.values() if getattr(m, '__file__', None)))"
    )
    imported = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, text=True, check=True
    ).stdout.split()
    package = {Path(file).resolve() for file in imported if "bokehflow" in file}
    checkout = PACKAGE.parent
    ours = {file for file in package if file.is_relative_to(checkout) and file.suffix == ".py"}
    # How files are read and written shapes no graph.
    shaping = {file for file in ours if "media" not in file.parts and ".venv" not in file.parts}
    assert PACKAGE / "srgb.py" in shaping
    assert shaping <= {file.resolve() for file in watched_files()}


def test_an_installed_package_is_watched_whole() -> None:
    # In a wheel there are no folders beside the package, and links are none.
    assert all((PACKAGE / name).is_dir() for name in sources.WATCHED)
    names = {file.relative_to(PACKAGE).as_posix() for file in watched_files()}
    assert {"scan/naive.py", "weights/nano.safetensors", "export/export.py"} <= names
