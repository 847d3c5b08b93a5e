"""Ablations from end to end, on clips and networks as small as they come."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bokehflow.benchmarks.evaluation.ablation_study import short_config
from bokehflow.benchmarks.evaluation.ablations import main
from bokehflow.calibration.data.clip_file import write_clip
from bokehflow.errors import UsageError
from tests.training.samples import tiny_clip, use_tiny_variant, write_clips


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    use_tiny_variant(monkeypatch)
    data = write_clips(tmp_path / "data")
    write_clip(data / "other.npz", tiny_clip(9, split="held-out"))
    folders = ["--data", str(data), "--runs", str(tmp_path / "runs"), "--output", str(tmp_path)]
    return [*folders, "--steps", "2", "--scan", "chunked", "--sizes", "16x16"]


def test_every_network_is_trained_alike_and_judged(command: list[str], tmp_path: Path) -> None:
    assert main([*command, "--only", "none", "no-film"]) == 0
    whole, without = json.loads((tmp_path / "ablations.json").read_text())["results"]
    assert (whole["ablation"], without["ablation"]) == ("none", "no-film")
    assert whole["steps"] == without["steps"] == 2
    assert whole["parameters"] > without["parameters"]
    assert 0.0 <= whole["aligned_delta1"] <= 1.0
    assert "| no-film |" in (tmp_path / "ablations.md").read_text()


def test_a_run_that_is_not_finished_has_no_figures(command: list[str], tmp_path: Path) -> None:
    assert main([*command, "--only", "none", "--minutes", "0.00001"]) == 0
    (result,) = json.loads((tmp_path / "ablations.json").read_text())["results"]
    assert (result["steps"], result["silog"]) == (1, None)
    assert "not run" in (tmp_path / "ablations.md").read_text()
    assert main([*command, "--only", "none"]) == 0
    (result,) = json.loads((tmp_path / "ablations.json").read_text())["results"]
    assert result["steps"] == 2
    assert result["silog"] is not None


def test_stills_to_judge_by_are_looked_for_before_a_run(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_clip(tmp_path / "data/other.npz", tiny_clip(9, split="held-out", depth_cues=False))
    assert main([*command, "--only", "none"]) == 2
    assert "no held-out still tells its depth" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_mistakes_are_plain(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, "--only", "no-flim"]) == 2
    assert "did you mean 'no-film'" in capsys.readouterr().err
    with pytest.raises(UsageError, match="steps"):
        short_config("nano", 1, "none", ("16x16",))
