"""Flicker: none where only the scene moves, some where the picture does, with or without memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

from bokehflow.benchmarks.evaluation.flicker import (
    AS_WRITTEN,
    COLD,
    OFF,
    SEGMENT_MODES,
    TRUTH,
    Film,
    play,
    score_film,
    study_films,
    temporal_modes,
)
from bokehflow.benchmarks.evaluation.video_flicker import (
    FRAMES_THEMSELVES,
    estimate_flow,
    read_frames,
    study_video,
)
from bokehflow.calibration.data.folder import find_clips
from bokehflow.calibration.data.split import TRAIN
from bokehflow.errors import MediaError
from tests import tolerances as tol
from tests.benchmarks.evaluation.samples import tiny_sight
from tests.media.samples import Clip, write_clip
from tests.training.samples import LENS, tiny_clip, write_clips


def test_motion_alone_is_no_flicker_and_a_pulse_is() -> None:
    known = tiny_clip(3, frames=3).tensors()
    # The sample's noise stands still while its edge moves: judge the depth, which moves whole.
    steady = Film(known.inverse_depth.repeat(1, 3, 1, 1), known.inverse_depth)
    score = score_film(steady, known.flow, known.flow_valid, known.inverse_depth)
    assert score.bokeh_levels == pytest.approx(0.0, abs=tol.FP32_EQUAL)
    assert score.log_depth == pytest.approx(0.0, abs=tol.FP32_EQUAL)
    pulse = torch.tensor([1.0, 1.1, 1.0])[:, None, None, None]
    pulsing = Film(steady.bokeh, steady.inverse_depth * pulse)
    score = score_film(pulsing, known.flow, known.flow_valid, known.inverse_depth)
    assert score.log_depth == pytest.approx(np.log(1.1), abs=tol.FP32_EQUAL)
    assert score.log_depth_error == pytest.approx(np.log(1.1), abs=tol.FP32_EQUAL)


@pytest.mark.parametrize("index", range(1, 2 + len(SEGMENT_MODES)))
def test_all_modes_but_the_first_remember(index: int) -> None:
    off, carried = (temporal_modes(tiny_sight())[number] for number in (0, index))
    frames = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    is_cold = carried.name == COLD
    forgetful, mindful = (play(mode, frames, LENS, None) for mode in (off, carried))
    # Cold segments come near in as many runs as there are, not all the way.
    if not is_cold:
        torch.testing.assert_close(
            mindful.inverse_depth[0],
            forgetful.inverse_depth[0],
            rtol=tol.FP32_EQUAL,
            atol=tol.FP32_EQUAL,
        )
    assert not torch.equal(forgetful.inverse_depth[1], mindful.inverse_depth[1])
    alone = play(off, frames[1:], LENS, None)
    assert torch.equal(forgetful.inverse_depth[1], alone.inverse_depth[0])


def test_films_of_a_folder_are_averaged_beside_the_truth(tmp_path: Path) -> None:
    entries = find_clips(write_clips(tmp_path / "data", 2, frames=3), TRAIN).entries
    done: list[int] = []
    scores = study_films(temporal_modes(tiny_sight()), entries, lambda: done.append(1))
    assert list(scores) == [OFF, AS_WRITTEN, *SEGMENT_MODES, TRUTH]
    assert scores[TRUTH].log_depth_error == pytest.approx(0.0, abs=tol.FP32_EQUAL)
    assert len(done) == 2
    assert study_films(temporal_modes(tiny_sight()), [], lambda: None) == {}


def textured(count: int, step_px: int) -> torch.Tensor:
    """A smooth random picture that moves to the right, [count, 3, 48, 64]."""
    rng = np.random.default_rng(0)
    wide = ndimage.gaussian_filter(rng.random((48, 64 + 16)), 2.0)
    wide = (wide - wide.min()) / np.ptp(wide)
    frames = [wide[:, 16 - n * step_px : 80 - n * step_px] for n in range(count)]
    return torch.from_numpy(np.stack(frames)).float()[:, None].repeat(1, 3, 1, 1)


def test_estimated_flow_points_to_where_things_were() -> None:
    flow, valid = estimate_flow(textured(2, 2))
    inner = flow[0, :, 8:-8, 8:-8]
    assert inner[0].median() == pytest.approx(-2.0, abs=tol.ESTIMATED_FLOW_PX)
    assert inner[1].median() == pytest.approx(0.0, abs=tol.ESTIMATED_FLOW_PX)
    assert valid[0, 0, 8:-8, 8:-8].mean() > 0.9


def test_a_real_video_is_scored_beside_its_own_frames(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", Clip(frames=3))
    scores = study_video(temporal_modes(tiny_sight()), tmp_path / "clip.mp4")
    assert list(scores) == [OFF, AS_WRITTEN, *SEGMENT_MODES, FRAMES_THEMSELVES]
    assert scores[FRAMES_THEMSELVES].log_depth == 0.0
    assert scores[OFF].log_depth > 0.0
    assert all(score.log_depth_error is None for score in scores.values())
    assert read_frames(tmp_path / "clip.mp4").shape == (3, 3, 48, 64)


def test_one_frame_is_no_film(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", Clip(frames=1))
    with pytest.raises(MediaError, match="at least 2"):
        read_frames(tmp_path / "clip.mp4")
