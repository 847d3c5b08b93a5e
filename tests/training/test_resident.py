"""Batches cut on the device against the same batches read from files."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

import pytest
import torch

from bokehflow.calibration.data.clip import ARRAYS, Clip
from bokehflow.calibration.data.clip_file import write_clip
from bokehflow.calibration.data.folder import FoundClips, find_clips
from bokehflow.calibration.data.split import TRAIN
from bokehflow.errors import DeviceError, InputError
from bokehflow.training import camera_look
from bokehflow.training.batch import Batch
from bokehflow.training.config import StageConfig, TrainConfig
from bokehflow.training.draws import Drawing
from bokehflow.training.resident import ResidentClips, resident_batches
from tests.tolerances import FP32_EQUAL
from tests.training.samples import batch_at, stage, tiny_clip, tiny_config, write_clips

DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=[
            pytest.mark.cuda,
            pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
        ],
    ),
]
STAGES = {
    "depth of stills": stage(sizes=("16x24", "40x40"), batch=4, smallest_view=0.3),
    "pictures": stage(sizes=("16x16",), batch=4, rendering="predicted_depth"),
    "films": stage(sizes=("16x20",), batch=4, frames=3, smallest_view=0.5),
    "turned cameras": stage(sizes=("16x24", "40x40"), batch=8, turns=0.7, smallest_view=0.5),
    "other lenses": stage(sizes=("16x24",), batch=8, any_lenses=0.3, any_apertures=0.4),
    "films and pans": stage(sizes=("16x16",), batch=8, frames=3, pan=0.2, smallest_view=0.4),
}


@pytest.fixture
def clips(tmp_path: Path) -> FoundClips:
    folder = write_clips(write_clips(tmp_path / "data", count=4), count=3, frames=4)
    return find_clips(folder, TRAIN)


def _part_of(clip: Clip, height: int, width: int) -> Clip:
    arrays = {name: getattr(clip, name)[:, :height, :width] for name in ARRAYS}
    return dataclasses.replace(clip, **arrays)


def _resident(
    config: TrainConfig, clips: FoundClips, first: int, workers: int, device: str = "cpu"
) -> list[Batch]:
    source = resident_batches(Drawing(config, clips), first, (0, 1), workers, torch.device(device))
    with contextlib.closing(source):
        return list(source)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("one", STAGES.values(), ids=STAGES)
def test_a_batch_cut_on_the_device_is_the_one_read_from_files(
    clips: FoundClips, one: StageConfig, device: str
) -> None:
    config = tiny_config(one)
    for step, batch in enumerate(_resident(config, clips, 0, 0, device)):
        for name, found, wanted in zip(
            Batch._fields, batch, batch_at(config, clips, step, (0, 1)), strict=True
        ):
            assert found.shape == wanted.shape, name
            found = found.cpu()
            torch.testing.assert_close(found, wanted, atol=FP32_EQUAL, rtol=FP32_EQUAL, msg=name)


def test_looks_are_those_of_the_files_but_for_their_noise(
    clips: FoundClips, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_look, "MOST_NOISE", 0.0)
    config = tiny_config(stage(batch=4, camera_looks=True))
    batch = _resident(config, clips, 2, 0)[0]
    wanted = batch_at(config, clips, 2, (0, 1))
    torch.testing.assert_close(batch.frames, wanted.frames, atol=FP32_EQUAL, rtol=0.0)


def test_noise_repeats_and_differs_between_clips_and_steps(clips: FoundClips) -> None:
    config = tiny_config(stage(batch=4, camera_looks=True))
    one, other = (_resident(config, clips, 1, workers) for workers in (0, 1))
    assert len(one) == 3
    for a, b in zip(one, other, strict=True):
        assert torch.equal(a.frames, b.frames)
    assert not torch.equal(one[0].frames, one[1].frames)


def test_clips_of_several_sizes_lie_beside_each_other(tmp_path: Path) -> None:
    folder = write_clips(tmp_path / "data", count=2)
    write_clip(folder / "smaller.npz", _part_of(tiny_clip(9), 20, 24))
    clips, config = find_clips(folder, TRAIN), tiny_config(stage(batch=8))
    batch = _resident(config, clips, 0, 0)[0]
    wanted = batch_at(config, clips, 0, (0, 1))
    torch.testing.assert_close(batch.frames, wanted.frames, atol=FP32_EQUAL, rtol=0.0)
    assert torch.equal(batch.inverse_depth, wanted.inverse_depth)


@pytest.mark.parametrize(("frames", "rows"), [(4, 20), (1, 32)], ids=["a size", "fewer frames"])
def test_a_clip_that_became_another_is_told(clips: FoundClips, frames: int, rows: int) -> None:
    entry = next(entry for entry in clips.entries if entry.frames == 4)
    write_clip(entry.path, _part_of(tiny_clip(1, frames), rows, 32))
    with pytest.raises(InputError, match=f"{entry.path.name} has changed since the run began"):
        ResidentClips(clips.entries, torch.device("cpu"), 1)


def test_clips_that_do_not_fit_are_told(clips: FoundClips, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch, "zeros", full)
    with pytest.raises(DeviceError, match="16 frames of 32x32 do not fit on cpu"):
        ResidentClips(clips.entries, torch.device("cpu"), 1)
