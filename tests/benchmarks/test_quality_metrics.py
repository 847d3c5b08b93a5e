"""Scores of pictures whose error is known."""

from __future__ import annotations

import math

import pytest
import torch

from bokehflow.benchmarks.quality.metrics import (
    PSNR_CEILING_DB,
    RegionScore,
    Score,
    picture_psnr_db,
    score,
)
from bokehflow.benchmarks.quality.regions import find_regions
from bokehflow.benchmarks.quality.score_renderer import mean_score, score_renderer
from bokehflow.calibration.aperture import Aperture
from bokehflow.calibration.scenes import Scene
from bokehflow.errors import NumericalError, SizeError, UsageError
from bokehflow.optics import Lens
from tests import tolerances as tol

HEIGHT, WIDTH = 40, 64
LENS = Lens(85.0, 0.5, 2.0)


def scene_with_near_square() -> Scene:
    depth = torch.full((1, 1, HEIGHT, WIDTH), LENS.focus_m)
    depth[..., 15:25, 20:40] = 1.2
    frame = torch.rand(1, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0))
    return Scene("square", frame, depth, LENS, frame, Aperture())


def test_equal_pictures_get_the_ceiling() -> None:
    scene = scene_with_near_square()
    result = score(scene.truth, scene.truth, scene.radius_px)
    assert result.overall.psnr_db == PSNR_CEILING_DB
    assert result.overall.ssim == pytest.approx(1.0)
    assert result.energy_error == pytest.approx(0.0)


def test_an_error_in_focus_only_is_seen_there_only() -> None:
    scene = scene_with_near_square()
    far_corner = scene.truth.clone()
    far_corner[..., :3, :3] += 0.1
    result = score(scene.truth, far_corner, scene.radius_px)
    assert result.edge is not None
    assert result.in_focus is not None
    assert result.edge.psnr_db == PSNR_CEILING_DB
    in_focus = HEIGHT * WIDTH - 10 * 20
    expected = -10 * math.log10(0.01 * 9 / in_focus)
    assert result.in_focus.psnr_db == pytest.approx(expected, abs=tol.PSNR_FORMULA_DB)


def test_the_edge_band_is_as_wide_as_the_blur() -> None:
    scene = scene_with_near_square()
    radius = float(scene.radius_px.max())
    edge = find_regions(scene.radius_px).edge
    middle = edge[20]
    reach = math.ceil(radius) + 2
    assert middle[20 - 1 - reach : 20].all()
    assert not middle[: 20 - 1 - reach - 1].any()


def test_a_region_that_is_missing_is_none() -> None:
    scene = scene_with_near_square()
    flat = Scene(
        "flat", scene.frame, torch.full_like(scene.depth_m, 1.2), LENS, scene.truth, Aperture()
    )
    result = score(scene.truth, scene.frame, flat.radius_px)
    assert result.edge is None
    assert result.in_focus is None
    assert result.elsewhere is not None


def test_a_mean_is_of_the_pictures_that_have_the_region() -> None:
    one = Score(RegionScore(30.0, 0.75), RegionScore(20.0, 0.5), None, None, -0.75)
    other = Score(RegionScore(40.0, 0.25), None, None, RegionScore(10.0, 0.125), 0.25)
    mean = mean_score([one, other])
    assert mean.regions == ((35.0, 0.5), (20.0, 0.5), (None, None), (10.0, 0.125))
    assert mean.energy_error == 0.5


def test_light_that_was_made_is_counted() -> None:
    scene = scene_with_near_square()
    grey = torch.full_like(scene.truth, 0.01)
    result = score(grey, grey * 1.1, scene.radius_px)
    assert result.energy_error == pytest.approx(0.1, abs=tol.ENERGY_FORMULA)


def test_a_stranger_can_score_a_function() -> None:
    scene = scene_with_near_square()
    row = score_renderer(lambda frame, _depth, _lens, _aperture: frame * 0.5, [scene])
    assert list(row.by_scene) == ["square"]
    assert row.mean.overall_psnr_db == pytest.approx(
        picture_psnr_db(scene.truth, scene.frame * 0.5), abs=tol.PSNR_FORMULA_DB
    )
    assert row.seconds_per_frame > 0


def test_nonsense_is_refused() -> None:
    scene = scene_with_near_square()
    with pytest.raises(SizeError):
        score(scene.truth, scene.truth[..., 1:], scene.radius_px)
    with pytest.raises(NumericalError):
        score(scene.truth, scene.truth * math.nan, scene.radius_px)
    with pytest.raises(UsageError):
        score_renderer(lambda frame, _depth, _lens, _aperture: frame, [])


def test_light_over_a_black_truth_is_finite() -> None:
    black = torch.zeros(1, 3, HEIGHT, WIDTH)
    radius_px = scene_with_near_square().radius_px
    assert score(black, black, radius_px).energy_error == 0.0
    assert 0.0 < score(black, black + 0.01, radius_px).energy_error < math.inf


def test_a_picture_smaller_than_the_window_of_ssim_is_refused() -> None:
    small = torch.full((1, 3, 10, 40), 0.5)
    with pytest.raises(SizeError, match="10x40 pixels; expected sides of at least 11"):
        score(small, small, small[:, :1])
