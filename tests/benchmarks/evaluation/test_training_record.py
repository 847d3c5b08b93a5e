"""What a run's curves and data tell is kept, run after run."""

from __future__ import annotations

from pathlib import Path

import pytest

from bokehflow.benchmarks.evaluation.training_record import main, read_runs, read_stages
from bokehflow.errors import InputError
from bokehflow.scan import ScanConfig
from bokehflow.training.changes import Change, note_change
from bokehflow.training.checkpoint import RunState, save_checkpoint
from bokehflow.training.clip_losses import LOSS_NAMES
from bokehflow.training.config_file import read_config
from bokehflow.training.curves import Curves
from bokehflow.training.ema import AveragedWeights
from bokehflow.training.first_network import first_network
from bokehflow.training.optimiser import build_optimiser
from tests import tolerances as tol


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's checkpoint, and the curves of 200 steps in two stages: 0.5 s and 1 s a step. Configs
    that are the run's: one, two and three."""
    for name in ("one", "two", "three"):
        (tmp_path / name).write_text('[[stages]]\nname = "depth"\nsteps = 1\n')
    config = read_config(tmp_path / "one")
    network = first_network(config, ScanConfig(), restored=False)
    averaged = AveragedWeights(network, config.ema_decay)
    state = RunState(network, averaged, build_optimiser(network, config.optimiser))
    save_checkpoint(tmp_path, config, state)
    curves = Curves(tmp_path / "curves.csv", 0)
    losses = ("",) * len(LOSS_NAMES)
    for step, stage, loss, seconds in (
        (50, "depth", 2.0, 0.5),
        (100, "depth", 1.25, 0.5),
        (200, "picture", 1.5, 1.0),
    ):
        curves.add((step, stage, 1e-4, loss, *losses, 1.0, 0, seconds))
    return tmp_path


def test_curves_become_steps_and_hours(run: Path) -> None:
    depth, picture = read_stages(run)
    assert (depth.steps, depth.first_loss, depth.last_loss) == (100, 2.0, 1.25)
    assert (picture.name, picture.steps) == ("picture", 100)
    hours = depth.hours + picture.hours
    assert hours == pytest.approx(150.0 / 3600.0, abs=tol.DEPTH_FORMULA)


def test_runs_add_up_or_begin_anew(run: Path) -> None:
    record = run / "training.json"
    options = ["--run", str(run), "--data", str(run), "--record", str(record)]
    note_change(run, 150, ["stages", "seed"])
    for name, arguments, configs in (
        ("one", ["--hardware", "a laptop"], ["one"]),
        ("two", ["--hardware", "a phone", "--goes-on", "--share", "0.7"], ["one", "two"]),
        ("three", ["--hardware", "a phone"], ["three"]),
    ):
        assert main([*options, "--config", str(run / name), *arguments]) == 0
        assert [Path(kept.config).name for kept in read_runs(record)] == configs
        assert [kept.share for kept in read_runs(record)] == [1.0, 0.7][: len(configs)]
    (kept,) = read_runs(record)
    assert (kept.steps, kept.hardware, kept.stages) == (200, "a phone", read_stages(run))
    assert kept.changes == (Change(150, "stages, seed"),)


def test_a_run_is_not_told_to_be_of_another_config(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = run / "other"
    other.write_text('seed = 3\n[[stages]]\nname = "depth"\nsteps = 1\n')
    options = ["--data", str(run), "--record", str(run / "training.json"), "--hardware", "a phone"]
    assert main(["--run", str(run), "--config", str(other), *options]) == 2
    assert "seed differ" in capsys.readouterr().err


def test_mistakes_are_plain(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--config", str(run / "one"), "--hardware", "a laptop"]
    options += ["--record", str(run / "training.json")]
    assert main(["--run", str(run / "nowhere"), *options]) == 2
    assert "the folder of a run" in capsys.readouterr().err
    (run / "training.json").write_text("{}")
    with pytest.raises(InputError, match="cannot be read"):
        read_runs(run / "training.json")


def test_a_share_needs_weights_to_share_with(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = run / "training.json"
    options = ["--run", str(run), "--data", str(run), "--record", str(record)]
    options += ["--config", str(run / "one"), "--hardware", "a phone"]
    assert main([*options, "--share", "0.7"]) == 2
    assert "--goes-on" in capsys.readouterr().err
    assert not record.exists()


def test_curves_of_something_else_are_told(run: Path) -> None:
    text = (run / "curves.csv").read_text()
    (run / "curves.csv").write_text(text.replace("\n", "\nabc,depth,", 1))
    with pytest.raises(InputError, match="the curves of `bfx train`"):
        read_stages(run)
