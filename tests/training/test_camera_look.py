"""Looks of many cameras: what they leave alone, and that they repeat."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from bokehflow.calibration.data.folder import find_clips
from bokehflow.calibration.data.split import TRAIN
from bokehflow.errors import UsageError
from bokehflow.training.camera_look import CameraLook, random_look, through_camera
from tests.tolerances import FP32_EQUAL, NOISE_STRENGTH_REL
from tests.training.samples import batch_at, stage, tiny_config, write_clips

PLAIN = CameraLook(1.0, 1.0, (1.0, 1.0, 1.0), 0.0, 0.0, 0.0, 0)


@pytest.fixture
def frames() -> torch.Tensor:
    return torch.rand(2, 3, 12, 16, generator=torch.Generator().manual_seed(1))


def test_a_plain_look_changes_nothing(frames: torch.Tensor) -> None:
    torch.testing.assert_close(through_camera(frames, PLAIN), frames, atol=FP32_EQUAL, rtol=0.0)


def test_a_look_without_colour_is_grey(frames: torch.Tensor) -> None:
    grey = through_camera(frames, PLAIN._replace(saturation=0.0))
    assert (grey.amax(1) - grey.amin(1)).max() < FP32_EQUAL


def test_softness_keeps_flat_areas_and_spreads_a_point() -> None:
    flat = torch.full((1, 3, 9, 9), 0.4)
    soft = PLAIN._replace(blur_px=1.0)
    torch.testing.assert_close(through_camera(flat, soft), flat)
    point = flat.clone()
    point[..., 4, 4] = 1.0
    seen = through_camera(point, soft)
    assert 0.4 < seen[0, 0, 4, 4] < 0.6
    assert seen[0, 0, 4, 5] == pytest.approx(float(seen[0, 0, 5, 4]), abs=FP32_EQUAL)


def test_noise_has_its_strength_and_differs_between_frames() -> None:
    flat = torch.full((2, 3, 64, 64), 0.5)
    seen = through_camera(flat, PLAIN._replace(noise=0.03, seed=4))
    assert float((seen - flat).std()) == pytest.approx(0.03, rel=NOISE_STRENGTH_REL)
    assert not torch.equal(seen[0], seen[1])


def test_random_looks_stay_in_range_and_repeat(frames: torch.Tensor) -> None:
    for seed in range(20):
        look = random_look(np.random.default_rng(seed))
        assert look == random_look(np.random.default_rng(seed))
        seen = through_camera(frames, look)
        assert torch.equal(seen, through_camera(frames, look))
        assert float(seen.min()) >= 0.0
        assert float(seen.max()) <= 1.0


def test_a_stage_with_looks_changes_frames_alone(tmp_path: Path) -> None:
    plain = tiny_config(stage(sizes=("16x16",)))
    looks = dataclasses.replace(
        plain, stages=tuple(dataclasses.replace(one, camera_looks=True) for one in plain.stages)
    )
    clips = find_clips(write_clips(tmp_path / "data"), TRAIN)
    one, other = (batch_at(config, clips, 0, (0, 1)) for config in (plain, looks))
    assert not torch.equal(one.frames, other.frames)
    assert torch.equal(one.inverse_depth, other.inverse_depth)
    assert torch.equal(one.lens, other.lens)


def test_the_picture_is_not_trained_on_looks() -> None:
    with pytest.raises(UsageError, match="camera_looks"):
        stage(camera_looks=True, rendering="predicted_depth")
