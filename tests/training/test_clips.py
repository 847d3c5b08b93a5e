"""Which clips each training step sees, and what it sees of them."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bokehflow.calibration.data.clip_file import write_clip
from bokehflow.calibration.data.folder import find_clips
from bokehflow.calibration.data.lens_choice import (
    F_NUMBERS,
    FARTHEST_FOCUS_M,
    NEAREST_FOCUS_M,
)
from bokehflow.calibration.data.split import TRAIN
from bokehflow.errors import InputError, UsageError
from bokehflow.optics import Lens
from bokehflow.training.batch import Batch, stack
from bokehflow.training.clips import batches, excerpt
from bokehflow.training.config import TrainConfig
from bokehflow.training.draws import Drawing, fitting
from bokehflow.training.resident import resident_batches
from bokehflow.training.told_lens import ToldLens
from tests.tolerances import DRAWN_SHARE
from tests.training.samples import batch_at, stage, tiny_clip, tiny_config, write_clips


def same(one: Batch, other: Batch) -> bool:
    """Whether two batches are the same to the bit."""
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.fixture
def config() -> TrainConfig:
    return tiny_config(stage(steps=5, batch=4, sizes=("16x16", "16x20")))


def test_a_step_sees_the_same_whoever_asks(tmp_path: Path, config: TrainConfig) -> None:
    clips = find_clips(write_clips(tmp_path / "data", count=6), TRAIN)
    whole = batch_at(config, clips, 3, (0, 1))
    assert same(whole, batch_at(config, clips, 3, (0, 1)))
    halves = [batch_at(config, clips, 3, (rank, 2)) for rank in range(2)]
    assert same(whole, stack(halves))
    assert not same(whole, batch_at(config, clips, 4, (0, 1)))


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_batches_made_ahead_are_the_same_ones(
    tmp_path: Path, config: TrainConfig, workers: int
) -> None:
    clips = find_clips(write_clips(tmp_path / "data", count=3), TRAIN)
    with contextlib.closing(batches(Drawing(config, clips), 2, (0, 1), workers)) as source:
        found = list(source)
    assert len(found) == 3
    for step, batch in enumerate(found, start=2):
        assert same(batch, batch_at(config, clips, step, (0, 1)))


def test_an_excerpt_keeps_flow_beside_its_frames() -> None:
    clip = tiny_clip(1, frames=5)
    part = excerpt(clip, 2, 3)
    assert (part.frames == clip.frames[2:5]).all()
    assert part.flow.shape[0] == 2


def test_a_stage_that_no_clip_fits_is_refused(tmp_path: Path) -> None:
    folder = write_clips(tmp_path / "data", count=1)
    write_clip(folder / "composite.npz", tiny_clip(9, frames=2, depth_cues=False))
    clips = find_clips(folder, TRAIN)
    with pytest.raises(InputError, match="at least 3 frames with the flow"):
        fitting(clips, stage(frames=3))
    blind = replace(clips, entries=tuple(replace(e, known=("depth",)) for e in clips.entries))
    with pytest.raises(InputError, match="clips with the picture that the lens takes"):
        fitting(blind, stage(rendering="predicted_depth"))
    with pytest.raises(InputError, match="clips with the picture that the lens takes, with depth"):
        fitting(blind, stage(rendering="true_depth"))
    # Depth alone cannot be learned from a composite; its picture can.
    assert [entry.path.name for entry in fitting(clips, stage())] == ["1-000.npz"]
    assert len(fitting(clips, stage(rendering="predicted_depth"))) == 2


@pytest.mark.parametrize("frames", [1, 3])
def test_a_clip_that_became_another_is_told(tmp_path: Path, frames: int) -> None:
    clips = find_clips(write_clips(tmp_path / "data", count=1, frames=2), TRAIN)
    (entry,) = clips.entries
    write_clip(entry.path, tiny_clip(1, frames=frames))
    with pytest.raises(InputError, match=f"{entry.path.name} has changed since the run began"):
        batch_at(tiny_config(stage()), clips, 0, (0, 1))


@pytest.mark.parametrize("cues", [False, True])
def test_truths_that_a_clip_does_not_hold_have_no_part_in_a_batch(
    tmp_path: Path, cues: bool
) -> None:
    clip = tiny_clip(1, frames=2)
    spoilt = {name: np.full_like(getattr(clip, name), np.nan) for name in ("inverse_depth", "flow")}
    info = replace(clip.info, known=("bokeh",), depth_cues=cues)
    (tmp_path / "data").mkdir()
    write_clip(tmp_path / "data/clip.npz", replace(clip, info=info, **spoilt))
    clips = find_clips(tmp_path / "data", TRAIN, known=())
    one = stage(frames=2, pan=0.2, rendering="predicted_depth")
    config = tiny_config(one)
    batch = batch_at(config, clips, 0, (0, 1))
    with contextlib.closing(
        resident_batches(Drawing(config, clips), 0, (0, 1), 0, torch.device("cpu"))
    ) as source:
        held = next(source)
    for found in (batch, held):
        assert all(bool(values.isfinite().all()) for values in found)
        assert found.depth_cues.tolist() == [0.0, 0.0]
    with pytest.raises(InputError, match="whose pictures tell their depth"):
        fitting(clips, stage())


def test_a_lens_that_tells_nothing_is_another_with_every_step(tmp_path: Path) -> None:
    clips = find_clips(write_clips(tmp_path / "data", count=1), TRAIN)
    told, free = (
        tiny_config(stage(steps=5, batch=8, sizes=("16x16",), smallest_view=1.0, any_lenses=share))
        for share in (0.0, 1.0)
    )
    own, lenses = (batch_at(config, clips, 0, (0, 1)).lens for config in (told, free))
    assert len(own.unique(dim=0)) == 1
    assert len(lenses.unique(dim=0)) == 8
    assert ((lenses[:, 2] >= NEAREST_FOCUS_M) & (lenses[:, 2] <= FARTHEST_FOCUS_M)).all()
    assert ((lenses[:, 1] >= F_NUMBERS[0]) & (lenses[:, 1] <= F_NUMBERS[1])).all()


def test_any_aperture_leaves_the_focus_where_it_is(tmp_path: Path) -> None:
    clips = find_clips(write_clips(tmp_path / "data", count=1), TRAIN)
    own, mixed = (
        batch_at(
            tiny_config(stage(steps=5, batch=704, sizes=("16x16",), smallest_view=1.0, **shares)),
            clips,
            0,
            (0, 1),
        ).lens
        for shares in ({}, {"any_lenses": 0.25, "any_apertures": 0.5})
    )
    as_taken = (own[:, 1] == mixed[:, 1]).double().mean()
    focused_alike = (own[:, 2] == mixed[:, 2]).double().mean()
    assert as_taken == pytest.approx(0.25, abs=DRAWN_SHARE)
    assert focused_alike == pytest.approx(0.75, abs=DRAWN_SHARE)
    assert (own[:, 3] == mixed[:, 3]).sum() >= (own[:, 2] == mixed[:, 2]).sum()


def test_a_told_aperture_stays_outside_of_what_it_focuses_on() -> None:
    told = ToldLens(Lens(105.0, 2.0, 30.0), keeps_focus=True)
    near = told.beside(Lens(20.0, 4.0, 0.15, 12.0))
    assert near.as_tuple() == pytest.approx((75.0, 2.0, 0.15, 12.0))


@pytest.mark.parametrize("share", ["any_lenses", "any_apertures"])
def test_a_picture_is_seen_through_the_lens_it_was_taken_with(share: str) -> None:
    with pytest.raises(UsageError, match="in the stage 'depth', which trains the picture"):
        stage(rendering="predicted_depth", **{share: 0.5})


def test_shares_of_lenses_that_make_more_than_all_are_refused() -> None:
    with pytest.raises(UsageError, match=r"together 1\.1"):
        stage(any_lenses=0.6, any_apertures=0.5)
    for share in (0.1, 0.2, 0.3, 0.7, 0.9):
        stage(any_lenses=1.0 - share, any_apertures=share)
        stage(any_lenses=0.8, any_apertures=0.2)
