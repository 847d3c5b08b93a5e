"""Mitsuba's thin lens and our optics must agree before either may judge a renderer."""

from __future__ import annotations

import numpy as np
import pytest

from bokehflow.benchmarks.quality.baselines import no_blur
from bokehflow.benchmarks.quality.metrics import picture_psnr_db
from bokehflow.benchmarks.quality.renderers import mobile
from bokehflow.calibration import ray_traced
from bokehflow.errors import MissingDependencyError, UnknownNameError
from bokehflow.optics import Lens
from tests import tolerances as tol

WIDTH, HEIGHT = 61, 45


@pytest.mark.parametrize("depth_m", [1.3, 2.0, 5.0], ids=["near", "focus", "far"])
def test_a_point_light_makes_the_disk_that_optics_predicts(depth_m: float) -> None:
    mitsuba = pytest.importorskip("mitsuba", reason="mitsuba is not installed")
    mitsuba.set_variant(ray_traced.VARIANT)
    lens = Lens(focal_length_mm=85.0, f_number=1.4, focus_m=2.0, sensor_width_mm=6.0)
    image_mm = 85.0 * 2000.0 / (2000.0 - 85.0)
    pixel = lens.sensor_width_mm / WIDTH / image_mm
    # A lamp that fills one pixel's radius: smaller ones are hit by too few rays.
    lamp = {
        "type": "sphere",
        "center": [0.0, 0.0, depth_m],
        "radius": pixel * depth_m,
        "emitter": {"type": "area", "radiance": 1.0},
    }
    picture = ray_traced.render_linear(
        mitsuba, {"lamp": lamp}, ray_traced.camera(lens, HEIGHT, WIDTH), samples=1024
    )
    light = picture[0, 0].double().numpy()
    x = np.arange(WIDTH) + 0.5 - WIDTH / 2
    variance = float((light.sum(axis=0) * x**2).sum() / light.sum())
    # Variances add along an axis: r^2 / 4 of the blur, 1 / 4 of the lamp, 1 / 12 of the pixel.
    blur_variance = variance - 1 / 4 - 1 / 12
    radius = float(lens.radius_px(depth_m, WIDTH))
    assert blur_variance == pytest.approx(
        radius**2 / 4, rel=tol.RAY_TRACED_VARIANCE_REL, abs=tol.RAY_TRACED_VARIANCE_PX2
    )


@pytest.mark.parametrize("kind", ray_traced.RAY_TRACED_KINDS)
def test_a_ray_traced_scene_is_blurred_as_its_depth_says(kind: str) -> None:
    pytest.importorskip("mitsuba", reason="mitsuba is not installed")
    scene = ray_traced.make_ray_traced_scene(kind, 0, 45, 60)
    assert scene.frame.shape == scene.truth.shape == (1, 3, 45, 60)
    assert bool((scene.depth_m > 0.5).all())
    inputs = (scene.frame, scene.depth_m, scene.lens, scene.aperture)
    rendered_db = picture_psnr_db(scene.truth, mobile(*inputs))
    assert rendered_db - picture_psnr_db(scene.truth, no_blur(*inputs)) > tol.RAY_TRACED_GAIN_DB


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="traced-balls"):
        ray_traced.make_ray_traced_scene("traced-bals", 0, 45, 60)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mitsuba", None)
    with pytest.raises(MissingDependencyError, match=r"bokehflow\[data\]"):
        ray_traced.make_ray_traced_scene("traced-balls", 0, 45, 60)
