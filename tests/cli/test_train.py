"""`bfx train` and `bfx export-weights`."""

from __future__ import annotations

import dataclasses
import os
import signal
from pathlib import Path
from typing import Any

import pytest

import bokehflow.training
from bokehflow.specs import VARIANTS
from bokehflow.training import TrainReport, train
from bokehflow.weights import load_network
from tests.cli.runner import Bfx
from tests.training.samples import use_tiny_variant, write_clips

TOML = """
variant = "nano"
log_every = 1
[losses]
perceptual = 0.0
[[stages]]
name = "depth"
steps = 3
sizes = ["16x16"]
batch = 2
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_clips(tmp_path / "data")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use_tiny_variant(monkeypatch)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "run.toml"
    path.write_text(TOML)
    return path


def test_a_run_from_start_to_weights(bfx: Bfx, config: Path, data: Path, tmp_path: Path) -> None:
    completed = bfx("train", config, "--data", data, "--scan", "chunked", "--json")
    assert completed.exit_code == 0
    document = completed.document
    assert document["run"] == "runs/run"
    assert (document["step"], document["stopped"]) == (3, "finished")
    exported = bfx("export-weights", "runs/run", "-o", "nano.safetensors", "--json")
    assert exported.document["trained"] is True
    _, info = load_network(VARIANTS["nano"], tmp_path / "nano.safetensors")
    assert info.sha256 == exported.document["sha256"]
    again = ("export-weights", "runs/run", "--mean-with", "nano.safetensors", "--json", "-o")
    assert bfx(*again, "mean.safetensors").document["sha256"] == info.sha256
    assert bfx(*again, "nano.safetensors").exit_code == 2
    alone = bfx("export-weights", "runs/run", "--share", "0.7", "-o", "mean.safetensors")
    assert "--mean-with" in alone.require_plain_error(2)


def test_one_command_starts_and_goes_on(bfx: Bfx, config: Path, data: Path) -> None:
    command = ("train", config, "--data", data, "--scan", "chunked", "--resume", "--out", "here")
    slices = [bfx(*command, "--minutes", "0.00001"), bfx(*command, "--resident")]
    assert [one.exit_code for one in slices] == [0, 0]
    assert "1 of 3" in slices[0].stdout
    assert "out of time" in slices[0].stdout
    assert "3 of 3, 1 before" in slices[1].stdout


def test_ctrl_c_saves_and_exits(
    bfx: Bfx, config: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(*_: object) -> bool:
        os.kill(os.getpid(), signal.SIGINT)
        return False

    monkeypatch.setattr("bokehflow.training.loop.Clock.due", press)
    command = ("train", config, "--data", data, "--scan", "chunked", "--resume", "--json")
    stopped = bfx(*command)
    assert stopped.exit_code == 130
    assert stopped.document["stopped"] == "interrupted"
    assert stopped.document["step"] < 3
    assert Path(stopped.document["run"], "checkpoint.pt").is_file()


def test_clips_left_out_are_listed(bfx: Bfx, config: Path, data: Path) -> None:
    (data / "bad.npz").write_bytes(b"no clip")
    command = ("train", config, "--data", data, "--scan", "chunked")
    assert "bad.npz" in bfx(*command).require_plain_error(2)
    completed = bfx(*command, "--skip-bad")
    assert completed.exit_code == 0
    assert "bad.npz" in completed.stderr


MISTAKES = {
    "no config": (["nowhere.toml"], "no config at nowhere.toml"),
    "no data": (["run.toml", "--data", "nowhere"], "bfx data make"),
    "scan": (["run.toml", "--scan", "cuda"], "unknown scan form 'cuda'"),
    "precision": (["run.toml", "--precision", "fp16"], "did you mean"),
    "minutes": (["run.toml", "--minutes", "0"], "minutes=0"),
}


@pytest.mark.parametrize("kind", MISTAKES)
@pytest.mark.usefixtures("config", "data")
def test_mistakes_are_plain(bfx: Bfx, kind: str) -> None:
    arguments, message = MISTAKES[kind]
    assert message in bfx("train", *arguments).require_plain_error(2)


KEPT = ("checkpoint.pt", "curves.csv", "changes.csv")


@pytest.mark.parametrize("name", [*KEPT, "link.safetensors"])
def test_weights_are_not_written_over_the_run(bfx: Bfx, tmp_path: Path, name: str) -> None:
    for kept in KEPT:
        (tmp_path / kept).write_bytes(b"what the run needs")
    (tmp_path / "link.safetensors").hardlink_to(tmp_path / "checkpoint.pt")
    line = bfx("export-weights", tmp_path, "-o", tmp_path / name).require_plain_error(2)
    assert "also an input" in line
    assert (tmp_path / name).read_bytes() == b"what the run needs"


@pytest.mark.parametrize("folder", ["snapshots", "link", "snapshots/kept"])
def test_weights_are_not_written_among_snapshots(bfx: Bfx, tmp_path: Path, folder: str) -> None:
    (tmp_path / "snapshots/kept").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "snapshots")
    output = tmp_path / folder / "step-9999999.safetensors"
    line = bfx("export-weights", tmp_path, "-o", output).require_plain_error(2)
    assert f"lies in {tmp_path / 'snapshots'}" in line


def test_export_needs_a_run(bfx: Bfx, tmp_path: Path) -> None:
    line = bfx("export-weights", tmp_path, "-o", tmp_path / "w.safetensors").require_plain_error(2)
    assert "no checkpoint" in line


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_process_that_does_not_lead_leaves_standard_output_to_the_one_that_does(
    bfx: Bfx, config: Path, data: Path, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...]
) -> None:
    def follow(*arguments: Any) -> TrainReport:
        return dataclasses.replace(train(*arguments), leads=False)

    monkeypatch.setattr(bokehflow.training, "train", follow)
    completed = bfx("train", config, "--data", data, "--scan", "chunked", *flags)
    assert (completed.exit_code, completed.stdout) == (0, "")
