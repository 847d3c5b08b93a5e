"""`bfx report` from end to end, and what it says about mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bokehflow.benchmarks.quality import metrics
from bokehflow.benchmarks.report import subjects, truth_clips
from bokehflow.errors import MissingDependencyError
from bokehflow.export import Artifact
from bokehflow.runtimes import Session, open_session
from tests.benchmarks.latency.stand_ins import hidden, stand_in
from tests.cli.runner import Bfx
from tests.export.copies import exported_otherwise
from tests.training.samples import tiny_clip

QUICK = ("--frames", "3", "--evaluated-frames", "1", "--no-measure")


@pytest.fixture(autouse=True)
def _small_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(truth_clips, "_made", lambda _: iter([tiny_clip(1, frames=2)]))
    monkeypatch.setattr(truth_clips, "motorcycle_clip", lambda: tiny_clip(2))


def test_every_target_is_a_row(bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path) -> None:
    output = tmp_path / "report.html"
    done = bfx("report", *(a.path for a in artifacts.values()), *QUICK, "-o", output, "--json")
    document = done.document
    assert done.exit_code == 0
    assert json.loads(output.with_suffix(".json").read_text())["rows"] == document["rows"]
    rows = {row["artifact"]["target"]: row for row in document["rows"]}
    assert set(rows) == {"onnx", "openvino", "coreml"}
    assert rows["onnx"]["is_reference"]
    assert rows["openvino"]["status"] == "ok"
    assert len(rows["openvino"]["film"]["bokeh_psnr_db"]) == 3
    # Away from macOS a package is evaluated by other means, and says so.
    if rows["coreml"]["artifact"]["mode"] == "evaluated":
        assert rows["coreml"]["how"] == "estimated"
        assert "1 of 3 frames" in rows["coreml"]["status"]
        assert rows["coreml"]["truth"] is None
    assert {row["latency"]["how"] for row in document["rows"]} == {"not run"}
    assert "untrained" not in done.stderr


def test_without_float32_the_model_in_torch_is_the_reference(
    bfx: Bfx,
    artifacts: dict[str, Artifact],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(artifact: Artifact) -> Session:
        raise MissingDependencyError("coremltools", "coreml", f"running {artifact.path.name}")

    monkeypatch.setattr(subjects, "open_session", missing)
    output = tmp_path / "report.html"
    done = bfx("report", artifacts["coreml"].path, "--frames", "2", "-o", output)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert "torch fp32" in lines[2]
    assert "reference" in lines[2]
    assert "not run: running" in lines[3]
    assert "pip install 'bokehflow[coreml]'" in lines[3]
    assert lines[-1] == f"report: {output}"
    assert "not run: running" in output.read_text()


def test_what_did_not_run_is_not_timed_and_says_why(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(artifact: Artifact) -> Session:
        if artifact.manifest.target == "openvino":
            raise MissingDependencyError("openvino", "openvino", "running an OpenVINO model")
        return open_session(artifact)

    monkeypatch.setattr(subjects, "open_session", missing)
    path = stand_in(tmp_path / "path", hidden("openvino"), "sitecustomize")
    monkeypatch.setenv("PYTHONPATH", str(path))
    paths = [artifacts[target].path for target in ("onnx", "openvino")]
    output = tmp_path / "report.html"
    done = bfx("report", *paths, "--frames", "2", "--rounds", "1", "-o", output, "--json")
    assert done.exit_code == 0, done.stderr
    ran, absent = done.document["rows"]
    assert ran["latency"]["how"] == "measured"
    assert (absent["how"], absent["latency"]["how"]) == ("not run", "not run")
    assert "pip install 'bokehflow[openvino]'" in absent["reason"]
    assert absent["latency"]["reason"] == absent["reason"]
    assert output.exists()


def test_a_missed_bar_fails_only_where_asked(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    twin = exported_otherwise(
        artifacts["onnx"], tmp_path, lambda facts: facts["budget"].update(bar())
    )
    command = ("report", artifacts["onnx"].path, twin, *QUICK, "-o", tmp_path / "r.html")
    assert bfx(*command).exit_code == 0
    done = bfx(*command, "--check")
    assert done.exit_code == 1
    assert "misses bokeh against the reference" in done.stdout


def bar() -> dict[str, float]:
    """One that nothing keeps."""
    return {"parity_db": 1e6}


MISTAKES = {
    "no artifact": (["nowhere.onnx"], "no artifact at nowhere.onnx"),
    "page": (["-o", "report.pdf"], "a name that ends in .html"),
    "data": (["--data", "nowhere"], "no data folder at nowhere"),
    "images": (["--images", "nowhere"], "nowhere is not a folder"),
    "latency": (["--latency", "nowhere.json"], "nowhere.json cannot be read"),
    "reference": (["--reference", "nowhere.onnx"], "no artifact at nowhere.onnx"),
    "weights": (["--weights", "w.safetensors"], "fp32.onnx is the reference"),
    "clips of no data": (["--clips", "8"], "--clips without --data"),
    "what to skip": (["--skip-bad", "--clips", "8"], "--clips, --skip-bad without --data"),
    "rounds of a record": (["--rounds", "3", "--latency", "l.json"], "together with --latency"),
    "rounds of none": (["--rounds", "3", "--no-measure"], "together with --no-measure"),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_mistakes_are_plain(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, kind: str
) -> None:
    arguments, message = MISTAKES[kind]
    output = () if kind == "page" else ("-o", tmp_path / "a" / "b" / "report.html")
    command = ("report", artifacts["onnx"].path, *output, *arguments)
    assert message in bfx(*command).require_plain_error(2)
    assert list(tmp_path.iterdir()) == []


def test_frames_too_small_to_be_scored_are_told_before_any_is_run(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "SSIM_WINDOW_PX", 97)
    monkeypatch.delattr(subjects, "open_session")
    command = ("report", artifacts["onnx"].path, "-o", tmp_path / "report.html")
    assert "a picture of 96x160 pixels" in bfx(*command).require_plain_error(2)


def test_no_report_is_written_into_an_artifact(bfx: Bfx, artifacts: dict[str, Artifact]) -> None:
    folder = artifacts["openvino"].path
    line = bfx("report", artifacts["onnx"].path, "-o", folder / "r.html").require_plain_error(2)
    assert f"lies in the artifact {folder}" in line


def test_artifacts_of_two_models_are_not_compared(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path
) -> None:
    other = exported_otherwise(
        artifacts["onnx"], tmp_path, lambda facts: facts.update(weights_sha256="0" * 64)
    )
    command = ("report", artifacts["onnx"].path, other, "-o", tmp_path / "report.html")
    assert "artifacts of one model" in bfx(*command).require_plain_error(2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"temporal": {"tsp": "off", "segments": 1}}, "has temporal.tsp off; expected document"),
        ({"render": {"quality": "best"}}, "has render.quality best; expected mobile"),
        ({"network_size": [64, 128]}, "has network_size 64x128; expected"),
    ],
    ids=["temporal", "render", "network size"],
)
def test_artifacts_of_other_settings_are_not_compared(
    bfx: Bfx,
    artifacts: dict[str, Artifact],
    tmp_path: Path,
    change: dict[str, Any],
    words: str,
) -> None:
    def merge(facts: dict[str, Any]) -> None:
        for name, value in change.items():
            facts[name] = {**facts[name], **value} if isinstance(value, dict) else value

    other = exported_otherwise(artifacts["onnx"], tmp_path, merge)
    command = ("report", artifacts["onnx"].path, other, "-o", tmp_path / "report.html")
    assert words in bfx(*command).require_plain_error(2)
