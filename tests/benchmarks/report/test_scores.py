"""Scores on the film and against truth, with sessions whose error is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bokehflow.benchmarks.quality.metrics import PSNR_CEILING_DB
from bokehflow.benchmarks.report import truth_clips
from bokehflow.benchmarks.report.against_reference import compare, record, scored_frames
from bokehflow.benchmarks.report.against_truth import judge
from bokehflow.benchmarks.report.document import FilmScore
from bokehflow.benchmarks.report.film import photo_film
from bokehflow.benchmarks.report.recording import Output, Recording, play
from bokehflow.benchmarks.report.truth_clips import clip_source
from bokehflow.calibration.data.clip_file import write_clip
from bokehflow.errors import NumericalError
from bokehflow.optics import Lens
from bokehflow.runtimes.comparison import DECIBEL_CEILING
from bokehflow.specs import Size
from tests.benchmarks.report.samples import SIZE, CountingSession, manifest
from tests.tolerances import FLOAT_DEPTH_REL, PSNR_FORMULA_DB
from tests.training.samples import tiny_clip

ERROR = 0.01


def compared(tmp_path: Path, error: float) -> tuple[FilmScore, list[int]]:
    """A session with an error against one without, on six frames."""
    film, recording, seen = photo_film(SIZE, 6), Recording(tmp_path), []
    record(CountingSession(), manifest(), film, recording)

    def keep(index: int, output: Output) -> None:
        assert output.bokeh.shape == (1, 3, SIZE.height, SIZE.width)
        seen.append(index)

    test = CountingSession(error=error)
    return compare(test, manifest(), film, recording, len(film), (0, 5), keep), seen


def test_a_known_error_has_its_decibels(tmp_path: Path) -> None:
    score, seen = compared(tmp_path, ERROR)
    assert seen == list(range(6))
    assert score.bokeh_psnr_db == pytest.approx([40.0] * 6, abs=PSNR_FORMULA_DB)
    assert score.bokeh.overall_psnr_db == pytest.approx(40.0, abs=PSNR_FORMULA_DB)
    assert score.depth is not None
    assert score.depth.abs_rel == pytest.approx(ERROR / 2.0, rel=FLOAT_DEPTH_REL)
    assert set(score.state_sqnr_db) == {DECIBEL_CEILING}
    assert score.flicker is not None
    assert score.flicker.log_depth == 0.0


def test_the_state_is_carried_from_frame_to_frame(tmp_path: Path) -> None:
    score, _ = compared(tmp_path, 0.0)
    growth = np.array(score.state_norm) / score.state_norm[0]
    assert growth == pytest.approx(np.arange(1, 7))


def test_the_same_artifact_is_equal_to_itself(tmp_path: Path) -> None:
    score, _ = compared(tmp_path, 0.0)
    assert set(score.bokeh_psnr_db) == {DECIBEL_CEILING}
    assert score.bokeh.overall_psnr_db == PSNR_CEILING_DB


@pytest.mark.parametrize(
    ("count", "places"),
    [(1, (0,)), (4, (0, 1, 2, 3)), (30, (0, 10, 19, 29))],
    ids=["one", "few", "many"],
)
def test_frames_looked_at_closely_span_the_film(count: int, places: tuple[int, ...]) -> None:
    assert scored_frames(count) == places


def test_an_output_that_is_not_finite_is_an_error() -> None:
    frames = [(torch.zeros(1, 3, SIZE.height, SIZE.width), Lens())]
    with pytest.raises(NumericalError, match=r"bokeh of frame 1"):
        list(play(CountingSession(error=float("nan")), manifest(), frames))


def test_clips_are_judged_by_what_they_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(truth_clips, "motorcycle_clip", lambda: tiny_clip(5, split="held-out"))
    write_clip(tmp_path / "film.npz", tiny_clip(1, frames=3, split="held-out"))
    write_clip(tmp_path / "hidden.npz", tiny_clip(2, split="held-out", depth_cues=False))
    write_clip(tmp_path / "seen.npz", tiny_clip(3))
    clips = clip_source(SIZE, 60.0, tmp_path, 9, skip_bad=False)
    assert clips.facts.clips == ("film.npz", "hidden.npz", "motorcycle, depth alone")
    shown = []
    score = judge(CountingSession(), manifest(), clips, lambda clip, _: shown.append(clip.name))
    assert shown == list(clips.facts.clips)
    assert score.clips == 3
    # The clips' bokeh is their frame, and so is what the session gives.
    assert score.bokeh is not None
    assert score.bokeh.overall_psnr_db == PSNR_CEILING_DB
    assert score.depth is not None
    assert score.flicker is not None


def test_made_clips_are_held_out_and_the_same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(truth_clips, "MADE_CLIPS", 1)
    monkeypatch.setattr(truth_clips, "MADE_FRAMES", 2)
    monkeypatch.setattr(truth_clips, "MADE_HEIGHT_PX", 32)
    once, again = (clip_source(Size(36, 64), 60.0, None, 1, skip_bad=False) for _ in range(2))
    assert once.clips[0].info.split == "held-out"
    assert np.array_equal(once.clips[0].bokeh, again.clips[0].bokeh)
    fitted = next(iter(once))
    assert fitted.frames.shape == (2, 3, 36, 64)
    assert fitted.flow.shape == (1, 2, 36, 64)


def test_the_motorcycle_is_judged_by_depth_alone() -> None:
    clip = truth_clips.motorcycle_clip()
    assert clip.info.known == ("depth",)
    fitted = truth_clips.fitted("motorcycle", clip, Size(40, 70), 60.0)
    share = float((fitted.inverse_depth > 0).float().mean())
    assert 0.5 < share < 1.0
