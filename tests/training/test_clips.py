"""The training clips of a folder, and what each step sees of them."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import torch

from bokehflow.calibration.data.clip_file import write_clip
from bokehflow.errors import InputError
from bokehflow.training.batch import Batch, stack
from bokehflow.training.clips import batch_at, batches, excerpt, find_clips
from bokehflow.training.config import TrainConfig
from tests.training.samples import stage, tiny_clip, tiny_config, write_clips


def same(one: Batch, other: Batch) -> bool:
    """Whether two batches are the same to the bit."""
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.fixture
def config() -> TrainConfig:
    return tiny_config(stage(steps=5, batch=4, sizes=("16x16", "16x20")))


def test_held_out_clips_are_left_out(tmp_path: Path) -> None:
    folder = write_clips(tmp_path / "data", count=2)
    write_clip(folder / "other.npz", tiny_clip(9, split="held-out"))
    (folder / ".1-003.abcdef.npz").write_bytes(b"a clip that is still being written")
    assert [entry.path.name for entry in find_clips(folder).entries] == [
        "1-000.npz", "1-001.npz",
    ]  # fmt: skip


def test_a_step_sees_the_same_whoever_asks(tmp_path: Path, config: TrainConfig) -> None:
    clips = find_clips(write_clips(tmp_path / "data", count=6))
    whole = batch_at(config, clips, 3, (0, 1))
    assert same(whole, batch_at(config, clips, 3, (0, 1)))
    halves = [batch_at(config, clips, 3, (rank, 2)) for rank in range(2)]
    assert same(whole, stack(halves))
    assert not same(whole, batch_at(config, clips, 4, (0, 1)))


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_batches_made_ahead_are_the_same_ones(
    tmp_path: Path, config: TrainConfig, workers: int
) -> None:
    clips = find_clips(write_clips(tmp_path / "data", count=3))
    with contextlib.closing(batches(config, clips, 2, (0, 1), workers)) as source:
        found = list(source)
    assert len(found) == 3
    for step, batch in enumerate(found, start=2):
        assert same(batch, batch_at(config, clips, step, (0, 1)))


def test_an_excerpt_keeps_flow_beside_its_frames() -> None:
    clip = tiny_clip(1, frames=5)
    part = excerpt(clip, 2, 3)
    assert (part.frames == clip.frames[2:5]).all()
    assert part.flow.shape[0] == 2


def test_unreadable_clips_are_listed_or_skipped(tmp_path: Path) -> None:
    folder = write_clips(tmp_path / "data", count=2)
    (folder / "bad.npz").write_bytes(b"no clip")
    with pytest.raises(InputError, match=r"1 clips .*bad\.npz.*--skip-bad"):
        find_clips(folder)
    clips = find_clips(folder, skip_bad=True)
    assert len(clips.entries) == 2
    assert len(clips.unreadable) == 1


def test_folders_without_clips_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no data folder"):
        find_clips(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no training clip"):
        find_clips(tmp_path)


def test_a_stage_that_no_clip_fits_is_refused(tmp_path: Path) -> None:
    folder = write_clips(tmp_path / "data", count=1)
    write_clip(folder / "composite.npz", tiny_clip(9, frames=2, depth_cues=False))
    clips = find_clips(folder)
    with pytest.raises(InputError, match="at least 3 frames"):
        clips.fitting(stage(frames=3))
    # Depth alone cannot be learned from a composite; its picture can.
    assert [entry.path.name for entry in clips.fitting(stage())] == ["1-000.npz"]
    assert len(clips.fitting(stage(rendering="predicted_depth"))) == 2
