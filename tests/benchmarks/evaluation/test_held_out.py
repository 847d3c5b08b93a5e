"""Held-out stills: fair rows, groups and choice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bokehflow.benchmarks.evaluation.clip_study import (
    BOKEH_ROWS,
    CONSTANT,
    DEPTH_ROWS,
    END_TO_END,
    GRADIENT_BLUR,
    NETWORK,
    RENDERER_ALONE,
    TRUE_DEPTH,
    depth_rows,
)
from bokehflow.benchmarks.evaluation.gradient import Gradient
from bokehflow.benchmarks.evaluation.held_out import ALL, chosen, study_held_out
from bokehflow.benchmarks.evaluation.tables import depth_table
from bokehflow.benchmarks.quality.renderers import NO_BLUR
from bokehflow.calibration.data.clip_file import write_clip
from bokehflow.calibration.data.folder import FoundClip, find_clips
from bokehflow.calibration.data.making import make_data
from bokehflow.calibration.data.request import DataRequest
from bokehflow.calibration.data.split import HELD_OUT, TRAIN
from bokehflow.specs import Size
from bokehflow.training.perceptual import packaged_perceptual
from tests.benchmarks.evaluation.samples import tiny_sight
from tests.training.samples import tiny_clip


def found(source: str, number: int) -> FoundClip:
    return FoundClip(Path(f"{source}/{number:06d}.npz"), source, 1, Size(16, 16), True)


def test_a_limit_takes_clips_of_every_source_and_of_all_scenes() -> None:
    entries = [found("outdoors", n) for n in range(9)] + [found("rooms", n) for n in range(2)]
    kept = chosen(entries, 3)
    assert [entry.path.stem[-1] for entry in kept] == ["0", "4", "8", "0", "1"]
    assert chosen(entries, None) == entries


def test_scores_tell_right_depth_from_wrong(tmp_path: Path) -> None:
    make_data(tmp_path, DataRequest(height=48, width=64, seed=1), ["layered"], 3)
    entries = find_clips(tmp_path, TRAIN).entries
    report = study_held_out(tiny_sight(), entries, packaged_perceptual(), lambda: None)["layered"]
    assert report.stills == 3
    assert list(report.bokeh) == list(BOKEH_ROWS)
    psnr = {name: row.score.overall_psnr_db for name, row in report.bokeh.items()}
    assert psnr[TRUE_DEPTH] == max(psnr.values())
    assert psnr[END_TO_END] != psnr[RENDERER_ALONE]
    assert report.bokeh[TRUE_DEPTH].perceptual < report.bokeh[NO_BLUR].perceptual
    assert GRADIENT_BLUR in report.bokeh


def test_pictures_that_do_not_tell_their_depth_count_for_bokeh_alone(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.npz", tiny_clip(1, split=HELD_OUT))
    write_clip(tmp_path / "b.npz", tiny_clip(2, split=HELD_OUT, depth_cues=False))
    entries = find_clips(tmp_path, HELD_OUT).entries
    done: list[int] = []
    reports = study_held_out(
        tiny_sight(), entries, packaged_perceptual(), lambda: done.append(1), other_lenses=True
    )
    assert len(done) == 2
    counted = {name: (report.stills, report.telling) for name, report in reports.items()}
    assert counted == {"made": (2, 1), ALL: (1, 1)}
    assert depth_table("made", reports["made"]).title.startswith("Depth on 1 held-out stills")
    assert list(reports[ALL].depth) == list(DEPTH_ROWS)
    assert reports["made"].depth == reports[ALL].depth
    none = study_held_out(tiny_sight(), entries[1:], packaged_perceptual(), lambda: None)
    assert list(none) == ["made"]
    assert none["made"].depth == {}


def test_a_picture_of_sky_alone_has_no_depth_to_score() -> None:
    sky = np.zeros((5, 7))
    everywhere = np.ones(sky.shape, dtype=bool)
    seen = {NETWORK: np.full(sky.shape, 9.0)}
    assert depth_rows(sky, seen, everywhere, Gradient(0.1, 0.1)) == {}
    sky[3:] = 0.5
    seen = {NETWORK: np.full(sky.shape, 2.0)}
    rows = depth_rows(sky, seen, everywhere, Gradient(0.25, 0.25))
    assert rows[NETWORK].abs_rel == pytest.approx(0.0)
    assert rows[CONSTANT].abs_rel == pytest.approx(1.0)
