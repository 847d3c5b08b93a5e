"""Stills seen as clips by a view that moves over them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bokehflow.calibration.data.folder import find_clips
from bokehflow.calibration.data.split import TRAIN
from bokehflow.errors import InputError
from bokehflow.specs import Size
from bokehflow.training.draws import fitting
from bokehflow.training.losses import warp
from bokehflow.training.pan import look_along, random_pan
from bokehflow.training.view import View, look
from tests.tolerances import FP32_EQUAL
from tests.training.samples import batch_at, stage, tiny_clip, tiny_config, write_clips

TARGET = Size(16, 16)


def test_views_of_a_pan_stay_inside_and_keep_their_size() -> None:
    rng, frame = np.random.default_rng(0), Size(50, 70)
    moved = 0
    for _ in range(50):
        views = random_pan(rng, frame, TARGET, 0.4, 4, 0.2)
        assert len(views) == 4
        assert len({(view.height, view.width, view.mirrored, view.gains) for view in views}) == 1
        assert all(view.top >= 0 and view.top + view.height <= frame.height for view in views)
        assert all(view.left >= 0 and view.left + view.width <= frame.width for view in views)
        moved += len({(view.top, view.left) for view in views}) > 1
    assert 25 < moved < 50  # some cameras rest


@pytest.mark.parametrize("mirrored", [False, True], ids=["as it is", "mirrored"])
def test_flow_of_a_pan_leads_to_the_frame_before(mirrored: bool) -> None:
    views = tuple(
        View(top, left, 16, 16, mirrored, (1.0, 1.0, 1.0))
        for top, left in ((2, 3), (5, 8), (4, 10))
    )
    batch = look_along(tiny_clip(3), views, TARGET, 60.0)
    assert batch.frames.shape == (1, 3, 3, 16, 16)
    assert batch.flow.shape == (1, 2, 2, 16, 16)
    for t in (1, 2):
        moved, inside = warp(batch.frames[:, t - 1], batch.flow[:, t - 1])
        assert ((moved - batch.frames[:, t]).abs() * inside).max() < FP32_EQUAL
        assert 0.4 < inside.mean() < 1.0


def test_each_frame_of_a_pan_is_its_view() -> None:
    clip = tiny_clip(4)
    views = (View(0, 0, 24, 24, False, (1.0, 1.0, 1.0)), View(6, 3, 24, 24, False, (1.0, 1.0, 1.0)))
    batch = look_along(clip, views, TARGET, 45.0)
    for t, view in enumerate(views):
        alone = look(clip, view, TARGET, 45.0)
        assert torch.equal(batch.frames[:, t], alone.frames[:, 0])
        assert torch.equal(batch.inverse_depth[:, t], alone.inverse_depth[:, 0])
        assert torch.equal(batch.lens, alone.lens)


def test_stills_serve_a_stage_with_pans_alone(tmp_path: Path) -> None:
    clips = find_clips(write_clips(tmp_path / "data", count=3), TRAIN)
    with pytest.raises(InputError, match="fits the stage"):
        fitting(clips, stage(frames=3))
    config = tiny_config(stage(steps=8, frames=3, pan=0.2, smallest_view=0.4, camera_looks=True))
    assert len(fitting(clips, config.stages[0])) == 3
    seen = [batch_at(config, clips, step, (0, 1)) for step in range(8)]
    assert all(batch.frames.shape == (2, 3, 3, 16, 16) for batch in seen)
    assert any(batch.flow.abs().max() > 0.5 for batch in seen)


def test_filmed_clips_keep_their_motion_beside_stills(tmp_path: Path) -> None:
    folder = write_clips(tmp_path / "data", count=3)
    clips = find_clips(write_clips(folder, count=1, frames=3), TRAIN)
    config = tiny_config(stage(steps=12, batch=4, frames=3, pan=0.05, smallest_view=1.0))
    flows = torch.cat([batch_at(config, clips, step, (0, 1)).flow for step in range(12)])
    filmed = (flows[:, 0, 0].abs() == 0.5).all(dim=2).all(dim=1)  # 1 px of 32, seen at 16
    assert 4 <= int(filmed.sum()) <= 24
