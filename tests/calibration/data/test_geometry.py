"""Cameras, flow and lenses must agree with optics and with each other."""

from __future__ import annotations

import numpy as np
import pytest

from bokehflow.calibration.data.flow import backward_flow
from bokehflow.calibration.data.lens_choice import BLUR_SHARES, F_NUMBERS, choose_lens
from bokehflow.calibration.data.pinhole import (
    FOV_RANGE_DEG,
    Pinhole,
    aperture_radius_m,
)
from bokehflow.calibration.data.pose import camera_pose, inverse, moved, shift, turn
from bokehflow.errors import LensError
from bokehflow.optics import Lens
from tests import tolerances as tol

LENSES = [Lens(), Lens(85.0, 1.4, 2.0, 36.0), Lens(24.0, 8.0, 10.0, 23.5)]


@pytest.mark.parametrize("lens", LENSES, ids=["50mm", "85mm", "24mm"])
def test_the_opening_blurs_as_the_lens_does_at_any_field_of_view(lens: Lens) -> None:
    for fov_deg in FOV_RANGE_DEG:
        camera = Pinhole(48, 64, fov_deg, np.eye(4))
        opening = aperture_radius_m(lens, fov_deg)
        for depth_m in (0.5, 3.0, 40.0):
            geometric = camera.focal_px * opening * (1.0 / depth_m - 1.0 / lens.focus_m)
            expected = lens.radius_px(depth_m, 64)
            assert geometric == pytest.approx(expected, rel=tol.LENS_FORM_REL)


@pytest.mark.parametrize("lens", LENSES, ids=["50mm", "85mm", "24mm"])
def test_at_its_own_field_of_view_a_lens_has_its_own_opening(lens: Lens) -> None:
    opening = aperture_radius_m(lens, lens.field_of_view_deg)
    assert opening == pytest.approx(lens.aperture_mm / 2.0 / 1e3, rel=tol.LENS_FORM_REL)


def test_a_pose_and_its_inverse_cancel() -> None:
    pose = shift(1.0, -2.0, 3.0) @ turn(1, 40.0) @ turn(0, -10.0)
    np.testing.assert_allclose(pose @ inverse(pose), np.eye(4), atol=tol.OPTICS)


def test_a_camera_looks_along_minus_z_with_y_down() -> None:
    pose = camera_pose((0.0, 1.5, 0.0), 0.0, 0.0, 0.0)
    np.testing.assert_allclose(pose @ [0, 0, 2, 1], [0.0, 1.5, -2.0, 1.0])
    np.testing.assert_allclose(pose @ [0, 1, 0, 1], [0.0, 0.5, 0.0, 1.0])


def test_flow_of_a_camera_that_steps_aside_is_focal_length_over_depth() -> None:
    start = camera_pose((0.0, 0.0, 0.0), 0.0, 0.0, 0.0)
    before = Pinhole(9, 15, 60.0, start)
    now = Pinhole(9, 15, 60.0, moved(start, (0.1, 0.0, 0.0), (0.0, 0.0, 0.0), 1.0))
    q = np.full((9, 15), 0.5)
    q[:, 8:] = 0.0
    body = np.zeros((9, 15), dtype=int)
    flow, valid = backward_flow(now, before, q, q, body, [np.eye(4)], [np.eye(4)])
    expected = 0.1 * 0.5 * before.focal_px
    assert valid[4, 2]
    assert flow[4, 2] == pytest.approx([expected, 0.0], abs=tol.FLOW_PX)
    assert flow[4, 12] == pytest.approx([0.0, 0.0], abs=tol.FLOW_PX), "infinity stands still"


def test_what_was_hidden_or_outside_has_no_flow() -> None:
    camera = Pinhole(9, 15, 60.0, camera_pose((0.0, 0.0, 0.0), 0.0, 0.0, 0.0))
    turned = Pinhole(9, 15, 60.0, camera_pose((0.0, 0.0, 0.0), 40.0, 0.0, 0.0))
    q, nearer, body = np.full((9, 15), 0.5), np.full((9, 15), 1.0), np.zeros((9, 15), dtype=int)
    still = [np.eye(4)]
    assert not backward_flow(camera, camera, q, nearer, body, still, still)[1].any()
    assert not backward_flow(turned, camera, q, q, body, still, still)[1][:, 0].any()


def test_a_moving_body_carries_its_own_flow() -> None:
    camera = Pinhole(9, 15, 60.0, camera_pose((0.0, 0.0, 0.0), 0.0, 0.0, 0.0))
    q, body = np.full((9, 15), 1.0), np.zeros((9, 15), dtype=int)
    body[:, :8] = 1
    flow, _ = backward_flow(
        camera, camera, q, q, body, [np.eye(4), shift(0.05, 0, 0)], [np.eye(4), np.eye(4)]
    )
    assert flow[4, 4, 0] == pytest.approx(-0.05 * camera.focal_px, abs=tol.FLOW_PX)
    assert flow[4, 12, 0] == 0.0


@pytest.mark.parametrize("seed", range(8))
def test_a_chosen_lens_is_possible_and_its_blur_is_as_wanted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    q = rng.uniform(0.0, 2.0, size=(32, 32))
    lens = choose_lens(rng, q)
    assert F_NUMBERS[0] <= lens.f_number <= F_NUMBERS[1]
    share = np.quantile(np.abs(lens.signed_radius_px(q, 1)), 0.99)
    inside = BLUR_SHARES[0] * 0.99 <= share <= BLUR_SHARES[1] * 1.01
    assert inside or lens.f_number in F_NUMBERS


def test_a_field_of_view_that_no_plane_can_hold_is_refused() -> None:
    with pytest.raises(LensError, match="180"):
        Pinhole(9, 15, 180.0, np.eye(4))
