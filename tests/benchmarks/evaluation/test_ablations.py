"""Ablations from end to end, on clips and networks as small as they come."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bokehflow.benchmarks.evaluation.ablation_study import short_config
from bokehflow.benchmarks.evaluation.ablations import main
from bokehflow.calibration.data.clip_file import write_clip
from bokehflow.errors import UsageError
from bokehflow.training.ablate import ABLATIONS
from tests.training.samples import tiny_clip, use_tiny_variant, write_clips


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    use_tiny_variant(monkeypatch)
    data = write_clips(tmp_path / "data")
    write_clip(data / "other.npz", tiny_clip(9, split="held-out"))
    folders = ["--data", str(data), "--runs", str(tmp_path / "runs"), "--output", str(tmp_path)]
    return [*folders, "--steps", "2", "--scan", "chunked", "--sizes", "16x16"]


def test_every_network_is_trained_alike_and_judged(command: list[str], tmp_path: Path) -> None:
    assert main(command) == 0
    results = json.loads((tmp_path / "ablations.json").read_text())["results"]
    assert [result["ablation"] for result in results] == list(ABLATIONS)
    whole, without = (results[list(ABLATIONS).index(name)] for name in ("none", "no-film"))
    assert whole["steps"] == without["steps"] == 2
    assert whole["parameters"] > without["parameters"]
    assert 0.0 <= whole["aligned_delta1"] <= 1.0
    assert "| no-film |" in (tmp_path / "ablations.md").read_text()


def test_a_run_that_is_not_finished_has_no_figures(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    def printed(*more: str) -> Any:
        assert main([*command, "--only", "none", "--json", *more]) == 0
        (result,) = json.loads(capsys.readouterr().out)["results"]
        return result

    result = printed("--minutes", "0.00001")
    assert (result["steps"], result["silog"]) == (1, None)
    result = printed()
    assert result["steps"] == 2
    assert result["silog"] is not None


@pytest.mark.parametrize("more", [["--only", "none"], ["--minutes", "0.00001"]])
def test_a_record_is_not_replaced_by_less(
    command: list[str], tmp_path: Path, more: list[str]
) -> None:
    (tmp_path / "ablations.json").write_text("whole")
    assert main([*command, *more]) == 0
    assert (tmp_path / "ablations.json").read_text() == "whole"


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
