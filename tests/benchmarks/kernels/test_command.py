"""The command on a machine without a GPU, and its record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from bokehflow.benchmarks.kernels import __main__ as command
from bokehflow.benchmarks.kernels.bars import step_bar
from bokehflow.benchmarks.kernels.cases import LAYER_CASES
from bokehflow.benchmarks.kernels.contenders import CONTENDERS
from bokehflow.benchmarks.kernels.cpu_comparison import CpuComparison


@pytest.fixture(autouse=True)
def _no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def test_without_a_gpu_it_lists_and_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("status: not run")
    assert all(case.name in printed for case in LAYER_CASES)


def test_the_record_holds_every_row_and_no_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "deeper" / "record.json"
    assert command.main(["--json", "--output", str(path)]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record == json.loads(path.read_text())
    assert record["schema"] == command.SCHEMA
    assert record["status"] == "not run"
    assert len(record["layers"]) == len(LAYER_CASES) * len(CONTENDERS) * 2
    assert {row["status"] for row in record["layers"]} == {"not run"}
    assert [bar["holds"] for bar in record["bars"]] == [None] * 4


def test_a_machine_without_a_gpu_keeps_the_record_of_one(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text("measured on a GPU")
    assert command.main(["--output", str(path)]) == 0
    assert path.read_text() == "measured on a GPU"


@pytest.mark.parametrize(
    ("device", "holds"), [("NVIDIA H100 80GB HBM3", False), ("NVIDIA A100-SXM4-80GB", None)]
)
def test_the_training_step_of_an_h100_is_timed_on_one(device: str, holds: bool | None) -> None:
    bar = step_bar(device, {"p50_ms": 70.0})
    assert bar.holds is holds
    assert bar.why_not == (None if "H100" in device else f"run on {device}, not an H100")


@pytest.mark.parametrize(("found", "code"), [(2.9, 1), (3.1, 0)], ids=["missed", "held"])
def test_a_missed_bar_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, found: float, code: int
) -> None:
    comparison = CpuComparison(8, 128, 2, 5, 3.0, 1.0, 0.5, found, found, found, found)
    monkeypatch.setattr(command, "compare_on_cpu", lambda: comparison)
    assert command.main(["--cpu", "--json"]) == code
