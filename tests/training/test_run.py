"""Runs in slices: exact resume, stops, changes on the way, disks that are full."""

from __future__ import annotations

import dataclasses
import errno
import math
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from bokehflow.calibration.data.folder import FoundClips, find_clips
from bokehflow.calibration.data.split import TRAIN
from bokehflow.errors import InputError, NumericalError, OutputError, UsageError, WeightsError
from bokehflow.sole_use import LOCK
from bokehflow.training import TrainOptions, loop, train
from bokehflow.training.changes import CHANGES, read_changes
from bokehflow.training.checkpoint import NAME, read_checkpoint
from bokehflow.training.curves import CURVES
from bokehflow.training.loop import FINISHED, INTERRUPTED, OUT_OF_TIME
from bokehflow.training.progress import Clock
from bokehflow.training.snapshot import FOLDER, export_weights
from bokehflow.weights import read_weights, save_weights
from tests.training.samples import (
    NO_PERCEPTUAL,
    curve,
    stage,
    tiny_config,
    write_clips,
)
from tests.training.tiny_run import CONFIG, train_to

pytestmark = pytest.mark.usefixtures("tiny_variant")


def require_same(one: object, other: object, where: str = "checkpoint") -> None:
    """Assert that two checkpoints are the same to the bit."""
    if isinstance(one, torch.Tensor):
        assert isinstance(other, torch.Tensor), where
        assert torch.equal(one, other), where
    elif isinstance(one, dict):
        assert isinstance(other, dict), where
        assert one.keys() == other.keys(), where
        for key in one:
            require_same(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list):
        assert isinstance(other, list), where
        require_same(dict(enumerate(one)), dict(enumerate(other)), where)
    else:
        assert one == other, where


@pytest.mark.parametrize("resident", [False, True], ids=["from files", "resident"])
@pytest.mark.parametrize("stop_after", [1, 3, 4], ids=["in a stage", "between", "in the next"])
def test_a_resumed_run_is_the_uninterrupted_one_to_the_bit(
    clips: FoundClips, tmp_path: Path, stop_after: int, resident: bool
) -> None:
    train_to(clips, tmp_path / "whole", resident=resident)
    stopped = train_to(clips, tmp_path / "sliced", stop_after, resident=resident)
    assert (stopped.stopped, stopped.step) == (INTERRUPTED, stop_after)
    assert stopped.signal_number == signal.SIGINT
    torch.rand(3)  # A process of its own would not have this generator's state.
    finished = train_to(clips, tmp_path / "sliced", resume=True, workers=2, resident=resident)
    assert (finished.first_step, finished.step) == (stop_after, CONFIG.total_steps)
    whole, sliced = (read_checkpoint(tmp_path / name) for name in ("whole", "sliced"))
    for field in dataclasses.fields(whole):
        require_same(getattr(whole, field.name), getattr(sliced, field.name), field.name)
    for column in ("step", "stage", "learning_rate", "loss", "gradient_norm"):
        assert curve(tmp_path / "whole", column) == curve(tmp_path / "sliced", column)


def test_progress_goes_on_where_the_slice_before_ended(clips: FoundClips, tmp_path: Path) -> None:
    train_to(clips, tmp_path, 3)
    told: list[int] = []
    options = TrainOptions(tmp_path, scan="chunked", resume=True)
    train(CONFIG, clips, options, told.append)
    assert told == [3, *[1] * (CONFIG.total_steps - 3)]


def test_a_slice_ends_on_time_and_a_finished_run_stays(
    clips: FoundClips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as late:
        late.setattr(Clock, "expired", property(lambda _: True))
        report = train_to(clips, tmp_path, minutes=10.0)
    assert (report.stopped, report.step) == (OUT_OF_TIME, 1)
    assert train_to(clips, tmp_path, resume=True).step == CONFIG.total_steps
    again = train_to(clips, tmp_path, resume=True)
    assert (again.first_step, again.step) == (CONFIG.total_steps, CONFIG.total_steps)


def test_checkpoints_are_written_on_the_way(
    clips: FoundClips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Clock, "due", lambda *_: True)

    def look(_: int) -> None:
        if (tmp_path / NAME).is_file():
            steps.append(read_checkpoint(tmp_path).step)

    steps: list[int] = []
    train(CONFIG, clips, TrainOptions(tmp_path, scan="chunked"), look)
    assert steps == [1, 2, 3, 4, 5, 6]


def test_a_checkpoint_alone_is_enough_to_go_on(clips: FoundClips, tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, snapshot_every=3)
    train_to(clips, tmp_path, 2, config)
    shutil.rmtree(tmp_path / FOLDER)
    assert train_to(clips, tmp_path, config=config, resume=True).step == config.total_steps
    assert (tmp_path / FOLDER / "step-0000003.safetensors").is_file()


def test_snapshots_and_exports_are_the_averaged_weights(clips: FoundClips, tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, snapshot_every=3, canonical_fov_deg=50.0)
    train_to(clips, tmp_path, config=config)
    names = sorted(path.name for path in (tmp_path / FOLDER).iterdir())
    assert names == ["step-0000003.safetensors", "step-0000006.safetensors"]
    info = export_weights(tmp_path, tmp_path / "nano.safetensors")
    assert info.trained
    assert info.canonical_fov_deg == 50.0
    tensors, _ = read_weights(tmp_path / "nano.safetensors", "nano")
    averaged = read_checkpoint(tmp_path).averaged
    assert tensors.keys() == averaged.keys()
    assert all(torch.equal(tensors[name], averaged[name].half()) for name in tensors)
    checkpoint = read_checkpoint(tmp_path)
    assert any(not torch.equal(checkpoint.network[name], averaged[name]) for name in averaged)


def test_an_export_may_be_a_mean_with_other_weights(clips: FoundClips, tmp_path: Path) -> None:
    train_to(clips, tmp_path)
    own, other, mean = (tmp_path / f"{name}.safetensors" for name in ("own", "other", "mean"))
    export_weights(tmp_path, own)
    tensors, _ = read_weights(own, "nano")
    ones = {name: torch.ones_like(tensor) for name, tensor in tensors.items()}
    save_weights(other, ones, "nano", trained=True, fov_deg=CONFIG.canonical_fov_deg)
    export_weights(tmp_path, mean, other, 0.25)
    found, info = read_weights(mean, "nano")
    assert info.trained
    assert all(torch.equal(found[n], (0.75 + 0.25 * t.float()).half()) for n, t in tensors.items())


def test_a_mean_is_of_weights_that_belong_together(clips: FoundClips, tmp_path: Path) -> None:
    train_to(clips, tmp_path)
    own, other = tmp_path / "own.safetensors", tmp_path / "other.safetensors"
    export_weights(tmp_path, own)
    tensors, _ = read_weights(own, "nano")
    first = next(iter(tensors))
    scalar = {**tensors, first: torch.ones(())}
    spoilt = {**tensors, first: torch.full_like(tensors[first], math.nan)}
    angle = CONFIG.canonical_fov_deg
    for others, fov_deg in ((tensors, 90.0), (scalar, angle), (spoilt, angle)):
        save_weights(other, others, "nano", trained=True, fov_deg=fov_deg)
        with pytest.raises(WeightsError, match=r"other\.safetensors .*began with"):
            export_weights(tmp_path, tmp_path / "mean.safetensors", other)
    with pytest.raises(UsageError, match="share"):
        export_weights(tmp_path, tmp_path / "mean.safetensors", own, 1.5)


def test_a_folder_that_holds_a_run_is_not_overwritten(clips: FoundClips, tmp_path: Path) -> None:
    train_to(clips, tmp_path, 1)
    with pytest.raises(UsageError, match="--resume"):
        train_to(clips, tmp_path)


@pytest.mark.parametrize("resume", [False, True])
def test_snapshots_are_kept_where_the_checkpoint_is_gone(
    clips: FoundClips, tmp_path: Path, resume: bool
) -> None:
    config = dataclasses.replace(CONFIG, snapshot_every=3)
    train_to(clips, tmp_path, 4, config)
    (tmp_path / NAME).unlink()
    before = (tmp_path / CURVES).read_bytes()
    with pytest.raises(UsageError, match=r"step-0000003\.safetensors of a run, and no checkpoint"):
        train_to(clips, tmp_path, config=config, resume=resume)
    assert (tmp_path / FOLDER / "step-0000003.safetensors").is_file()
    assert (tmp_path / CURVES).read_bytes() == before


def test_curves_alone_are_kept_unless_the_run_is_to_go_on(
    clips: FoundClips, tmp_path: Path
) -> None:
    train_to(clips, tmp_path, 2)
    (tmp_path / NAME).unlink()
    with pytest.raises(UsageError, match=r"curves\.csv of a run, and no checkpoint"):
        train_to(clips, tmp_path)
    # As after a slice that was ended before its first checkpoint.
    assert train_to(clips, tmp_path, resume=True).first_step == 0


def test_what_a_killed_run_left_of_a_checkpoint_is_removed(
    clips: FoundClips, tmp_path: Path
) -> None:
    train_to(clips, tmp_path, 2)
    left = tmp_path / ".checkpoint.0123456789ab.pt"
    others = [tmp_path / ".checkpoint.mine.pt", tmp_path / ".notes.0123456789ab.pt"]
    for path in (left, *others):
        path.write_text("half of it")
    train_to(clips, tmp_path, 1, resume=True)
    assert not left.exists()
    assert all(path.exists() for path in others)


def test_a_second_run_into_one_folder_is_refused(clips: FoundClips, tmp_path: Path) -> None:
    refused: list[str] = []

    def start_another(_: int) -> None:
        if not refused:
            refused.append(enter_and_die(tmp_path).stderr)

    train(CONFIG, clips, TrainOptions(tmp_path, scan="chunked"), start_another)
    assert f"UsageError: another run is in {tmp_path}" in refused[0]
    assert not (tmp_path / LOCK).exists()


def test_a_killed_run_keeps_nobody_out(clips: FoundClips, tmp_path: Path) -> None:
    assert enter_and_die(tmp_path).returncode == -signal.SIGKILL
    assert (tmp_path / LOCK).exists()
    assert train_to(clips, tmp_path).stopped == FINISHED


def enter_and_die(folder: Path) -> subprocess.CompletedProcess[str]:
    """Another process that takes a run's folder, and is killed in it; a child lives on a while."""
    script = (
        "import os, sys, time; from pathlib import Path; "
        "from bokehflow.sole_use import sole_use\n"
        "with sole_use(Path(sys.argv[1]), 'run', 'choose another'):\n"
        "    os.fork() or (os.closerange(0, 3), time.sleep(10), os._exit(0))\n"
        f"    os.kill(os.getpid(), {int(signal.SIGKILL)})"
    )
    return subprocess.run(
        [sys.executable, "-c", script, folder], capture_output=True, text=True, check=False
    )


def test_snapshots_of_steps_that_were_lost_are_dropped(clips: FoundClips, tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    config = dataclasses.replace(CONFIG, snapshot_every=2)
    train_to(clips, tmp_path, 2, config=config)
    (folder / "step-0000007.safetensors").write_text("of a slice that never saved")
    train_to(clips, tmp_path, 1, config=config, resume=True)
    assert sorted(path.name for path in folder.iterdir()) == ["step-0000002.safetensors"]


def test_a_later_stage_that_nothing_learns_from_is_told_before_the_first_step(
    clips: FoundClips, tmp_path: Path
) -> None:
    stages = (CONFIG.stages[1], CONFIG.stages[0])
    config = dataclasses.replace(CONFIG, stages=stages, learns=("refine",))
    with pytest.raises(UsageError, match="the stage 'depth' is judged by"):
        train_to(clips, tmp_path, config=config)
    assert not (tmp_path / NAME).exists()


def test_a_config_shorter_than_the_run_is_refused(clips: FoundClips, tmp_path: Path) -> None:
    train_to(clips, tmp_path, 4)
    shorter = dataclasses.replace(CONFIG, stages=CONFIG.stages[:1])
    with pytest.raises(UsageError, match="a checkpoint of step 4, and a config of 3"):
        train_to(clips, tmp_path, config=shorter, resume=True, new_config=True)
    assert read_checkpoint(tmp_path).config == CONFIG


def test_what_is_written_when_is_no_change_of_the_run(clips: FoundClips, tmp_path: Path) -> None:
    train_to(clips, tmp_path, 2)
    others = dataclasses.replace(CONFIG, log_every=2, snapshot_every=3, checkpoint_minutes=1.0)
    report = train_to(clips, tmp_path, config=others, resume=True)
    assert report.stopped == FINISHED
    assert report.changed == ()


def no_room(*_: object) -> None:
    raise OutputError("no room")


def test_a_change_is_noted_before_a_checkpoint_holds_it(
    clips: FoundClips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_to(clips, tmp_path, 1)
    changed = dataclasses.replace(CONFIG, seed=5)

    save = loop.save_checkpoint
    monkeypatch.setattr(loop, "save_checkpoint", no_room)
    with pytest.raises(OutputError):
        train_to(clips, tmp_path, 2, config=changed, resume=True, new_config=True)
    assert len(read_changes(tmp_path)) == 1
    monkeypatch.setattr(loop, "save_checkpoint", save)
    train_to(clips, tmp_path, 2, config=changed, resume=True, new_config=True)
    assert len(read_changes(tmp_path)) == 1


def test_a_change_that_cannot_be_noted_is_seen_again(
    clips: FoundClips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_to(clips, tmp_path, 1)
    changed = dataclasses.replace(CONFIG, seed=5)

    with monkeypatch.context() as disk:
        disk.setattr(loop, "note_change", no_room)
        with pytest.raises(OutputError):
            train_to(clips, tmp_path, 2, config=changed, resume=True, new_config=True)
    assert read_checkpoint(tmp_path).config == CONFIG
    report = train_to(clips, tmp_path, 2, config=changed, resume=True, new_config=True)
    assert report.changed == ("seed",)


def test_changes_that_cannot_be_read_are_told_before_the_slice(
    clips: FoundClips, tmp_path: Path
) -> None:
    train_to(clips, tmp_path, 1)
    (tmp_path / CHANGES).write_text("step,changed\n4", encoding="utf-8")
    with pytest.raises(InputError, match=r"changes\.csv cannot be read.*move it away"):
        train_to(clips, tmp_path, resume=True)
    assert read_checkpoint(tmp_path).step == 1


def test_a_changed_config_must_be_confirmed(clips: FoundClips, tmp_path: Path) -> None:
    train_to(clips, tmp_path, 1)
    changed = dataclasses.replace(CONFIG, seed=5)
    with pytest.raises(UsageError, match=r"in seed;.*--new-config"):
        train_to(clips, tmp_path, config=changed, resume=True)
    train_to(clips, tmp_path, 1, config=changed, resume=True, new_config=True)
    assert read_checkpoint(tmp_path).config.seed == 5
    assert [(change.step, change.changed) for change in read_changes(tmp_path)] == [(1, "seed")]
    train_to(clips, tmp_path, 2, config=changed, resume=True)
    assert len(read_changes(tmp_path)) == 1


def test_other_clips_are_used_and_noted(clips: FoundClips, tmp_path: Path) -> None:
    assert train_to(clips, tmp_path, 1).changed == ()
    assert train_to(clips, tmp_path, 1, resume=True).changed == ()
    fewer = dataclasses.replace(clips, entries=clips.entries[:-1])
    assert train_to(fewer, tmp_path, 1, resume=True).changed == ("clips",)
    assert [(change.step, change.changed) for change in read_changes(tmp_path)] == [(2, "clips")]
    assert train_to(fewer, tmp_path, 1, resume=True).changed == ()


def test_clips_are_the_same_ones_in_another_place(clips: FoundClips, tmp_path: Path) -> None:
    moved = find_clips(Path(shutil.copytree(clips.folder, tmp_path / "moved")), TRAIN)
    assert moved.identity == clips.identity
    moved.entries[0].path.rename(moved.folder / "another.npz")
    assert find_clips(moved.folder, TRAIN).identity != clips.identity


def test_new_settings_of_the_optimiser_are_used(clips: FoundClips, tmp_path: Path) -> None:
    train_to(clips, tmp_path, 1)
    gentler = dataclasses.replace(CONFIG.optimiser, weight_decay=0.01)
    changed = dataclasses.replace(CONFIG, optimiser=gentler)
    train_to(clips, tmp_path, 1, config=changed, resume=True, new_config=True)
    groups = read_checkpoint(tmp_path).optimiser["adamw"]["param_groups"]
    assert [group["weight_decay"] for group in groups] == [0.01, 0.0, 0.0]


def test_a_run_with_muon_goes_on_to_the_bit(clips: FoundClips, tmp_path: Path) -> None:
    muon = dataclasses.replace(CONFIG.optimiser, method="muon", keep_rate=3.0)
    config = dataclasses.replace(CONFIG, optimiser=muon)
    train_to(clips, tmp_path / "whole", config=config)
    train_to(clips, tmp_path / "sliced", 2, config=config)
    train_to(clips, tmp_path / "sliced", config=config, resume=True)
    whole, sliced = (read_checkpoint(tmp_path / name) for name in ("whole", "sliced"))
    assert set(whole.optimiser) == {"adamw", "muon"}
    require_same(whole.network, sliced.network)
    require_same(whole.optimiser, sliced.optimiser)


def test_a_resident_run_reads_no_clip_for_its_batches(
    clips: FoundClips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("batches made from files")

    monkeypatch.setattr(loop, "batches", refuse)
    assert train_to(clips, tmp_path, resident=True).stopped == FINISHED


def test_a_full_disk_leaves_the_last_checkpoint(
    clips: FoundClips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_to(clips, tmp_path, 2)
    kept = (tmp_path / NAME).read_bytes()

    def write_half(path: Path, data: Any) -> int:
        with path.open("wb") as file:
            file.write(bytes(data[: len(data) // 2]))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(Path, "write_bytes", write_half)
        with pytest.raises(OutputError, match="No space left"):
            train_to(clips, tmp_path, resume=True)
    assert (tmp_path / NAME).read_bytes() == kept
    assert sorted(path.name for path in tmp_path.iterdir()) == [NAME, "curves.csv", FOLDER]
    assert train_to(clips, tmp_path, resume=True).step == CONFIG.total_steps
    assert [int(step) for step in curve(tmp_path, "step")] == list(range(1, 8))


def test_a_snapshot_without_room_leaves_a_checkpoint_of_its_step(
    clips: FoundClips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OutputError("no room")

    config = dataclasses.replace(CONFIG, snapshot_every=3)
    monkeypatch.setattr(loop, "write_snapshot", refuse)
    with pytest.raises(OutputError, match="no room"):
        train_to(clips, tmp_path, config=config)
    assert read_checkpoint(tmp_path).step == 3


def test_a_run_on_clips_that_are_not_finite_stops(tmp_path: Path) -> None:
    folder = write_clips(tmp_path / "data", 1)
    config = tiny_config(
        stage(steps=30), losses=dataclasses.replace(NO_PERCEPTUAL, depth=1e38, coarse_depth=1e38)
    )
    with pytest.raises(NumericalError, match="10 steps running"):
        train_to(find_clips(folder, TRAIN), tmp_path / "run", config=config)


def test_a_run_that_fails_before_its_first_step_leaves_no_folder(tmp_path: Path) -> None:
    found = find_clips(write_clips(tmp_path / "data", 1), TRAIN)
    config, run = tiny_config(), tmp_path / "run"
    with pytest.raises(UsageError):
        train_to(found, run, config=dataclasses.replace(config, learns=("refine",)))
    assert not run.exists()
    found.entries[0].path.unlink()
    with pytest.raises(InputError):
        train_to(found, run, config=config, workers=0)
    assert not run.exists()


def test_an_unwritable_folder_is_told_before_training(clips: FoundClips, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        train_to(clips, tmp_path / "file" / "run")


def test_a_clip_that_is_gone_leaves_a_checkpoint_of_the_steps_before(tmp_path: Path) -> None:
    found = find_clips(write_clips(tmp_path / "data", 2, frames=2), TRAIN)
    run = tmp_path / "run"

    def lose_all(steps: int) -> None:
        for entry in found.entries if steps else ():
            entry.path.unlink(missing_ok=True)

    with pytest.raises(InputError, match="does not exist"):
        train(CONFIG, found, TrainOptions(run, scan="chunked", workers=0), lose_all)
    # The second step's batch was read while the first was computed.
    assert read_checkpoint(run).step == 2
