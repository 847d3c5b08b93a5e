"""The lens formulas against numbers worked out by hand, and the values a lens refuses."""

import math

import numpy as np
import pytest
import torch

from bokehflow.errors import LensError
from bokehflow.optics import (
    LEAST_GAP,
    MM_PER_M,
    Lens,
    f_number_for_radius,
    nearest_focus_m,
    require_field_of_view,
    signed_radius_px,
)
from tests.tolerances import KNOWN_RADIUS_PX, LEAST_GAP_SINGLE, OPTICS


def test_circle_of_confusion_is_the_documents_diameter() -> None:
    # f^2 / (N (S1 - f)) * |D - S1| / D with f = 50, N = 2, S1 = 2000, D = 1000, in mm.
    by_hand = 50**2 / (2 * (2000 - 50)) * (2000 - 1000) / 1000
    found = Lens(50.0, 2.0, 2.0).circle_of_confusion_mm(1.0)
    assert found == pytest.approx(by_hand, rel=OPTICS)


def test_radius_is_half_the_diameter_in_pixels() -> None:
    lens = Lens(50.0, 2.0, 2.0, 36.0)
    by_hand = 0.5 * lens.circle_of_confusion_mm(1.0) * 3600 / 36.0
    assert lens.radius_px(1.0, 3600) == pytest.approx(by_hand, rel=OPTICS)


def test_sign_is_positive_nearer_and_zero_in_focus() -> None:
    lens = Lens(focus_m=2.0)
    near, focus, far, sky = lens.radius_px(np.array([1.0, 2.0, 4.0, np.inf]), 1920)
    assert near > 0 > far > sky
    assert focus == pytest.approx(0.0, abs=OPTICS)


def test_far_background_has_the_known_size() -> None:
    # A full-frame 50 mm f/1.8 at 2 m blurs the far background to a radius of 19 px at 1920 px.
    assert -Lens(50.0, 1.8, 2.0).radius_px(math.inf, 1920) == pytest.approx(
        19.0, abs=KNOWN_RADIUS_PX
    )


def test_numbers_arrays_and_tensors_agree() -> None:
    lens, depths = Lens(85.0, 1.4, 3.0), [0.5, 3.0, 40.0]
    plain = [lens.radius_px(depth, 1280) for depth in depths]
    array = lens.radius_px(np.array(depths), 1280)
    inverse = 1.0 / torch.tensor(depths, dtype=torch.float64)
    tensor = signed_radius_px(inverse, 85.0, 1.4, 3.0, 36.0, 1280)
    assert array == pytest.approx(plain, rel=OPTICS)
    assert tensor.numpy() == pytest.approx(plain, rel=OPTICS)


def test_focus_at_the_hyperfocal_distance_leaves_infinity_just_sharp() -> None:
    focal_mm, f_number, circle_mm = 35.0, 8.0, 0.03
    hyperfocal_m = (focal_mm**2 / (f_number * circle_mm) + focal_mm) / MM_PER_M
    focused = Lens(focal_mm, f_number, hyperfocal_m)
    assert -focused.circle_of_confusion_mm(math.inf) == pytest.approx(circle_mm, rel=OPTICS)
    # Half the hyperfocal distance is the near end of what is sharp then.
    assert focused.circle_of_confusion_mm(hyperfocal_m / 2) == pytest.approx(circle_mm, rel=OPTICS)


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.7])
def test_scaled_depth_blurs_alike(scale: float) -> None:
    lens = Lens(50.0, 1.8, 1.5)
    scaled = lens.seen_with_depth_scaled(scale)
    depths = np.array([0.4, 1.5, 9.0, np.inf])
    assert scaled.radius_px(depths * scale, 1280) == pytest.approx(
        lens.radius_px(depths, 1280), rel=OPTICS, abs=OPTICS
    )


@pytest.mark.parametrize("field", ["focal_length_mm", "f_number", "focus_m", "sensor_width_mm"])
@pytest.mark.parametrize(
    "value", [0.0, -1.0, math.nan, math.inf, 1e306, 10**400, 1e-300, True, "50"]
)
def test_impossible_values_are_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(LensError, match=field):
        Lens(**{field: value})  # type: ignore[arg-type]


def test_focus_inside_the_focal_length_is_refused() -> None:
    with pytest.raises(LensError, match="focal length"):
        Lens(focal_length_mm=100.0, focus_m=0.1)
    with pytest.raises(LensError, match="focal length"):
        Lens(focal_length_mm=100.0, focus_m=0.2).seen_with_depth_scaled(0.4)


def test_a_lens_that_only_the_field_of_view_makes_impossible_says_so() -> None:
    with pytest.raises(LensError, match=r"f_number=.* at the trained field of view"):
        Lens().seen_with_depth_scaled(1e7)


@pytest.mark.parametrize("focal_length_mm", [4.0, 50.0, 1200.0])
def test_a_lens_can_be_focused_as_near_as_is_said(focal_length_mm: float) -> None:
    nearest_m = nearest_focus_m(focal_length_mm)
    assert Lens(focal_length_mm, focus_m=nearest_m).focus_m == nearest_m
    with pytest.raises(LensError, match="focal length"):
        Lens(focal_length_mm, focus_m=0.98 * nearest_m)


@pytest.mark.parametrize(
    "values",
    [(50.0, 1.8, 0.050000001, 36.0), (1e6, 1e-6, 1e6, 1e-6), (1e5, 1e-6, 101.0, 1e-6)],
    ids=["gap", "blur", "gap-and-blur"],
)
def test_what_float32_could_not_compute_is_refused(values: tuple[float, ...]) -> None:
    with pytest.raises(LensError):
        Lens(*values)


@pytest.mark.parametrize("focal_length_mm", [1e-2, 50.0, 138.68544772281103, 1e6])
def test_the_least_gap_leaves_float32_its_first_digits(focal_length_mm: float) -> None:
    focus_m = focal_length_mm / MM_PER_M * (1 + 1.01 * LEAST_GAP)
    lens = Lens(focal_length_mm, 1e6, focus_m, 1e6)
    inverse_depth = torch.tensor([0.0, 1e-3, 10.0])
    single = signed_radius_px(inverse_depth, *torch.tensor(lens.as_tuple()), 8192)
    double = lens.signed_radius_px(inverse_depth.double(), 8192)
    assert bool(single.isfinite().all())
    assert float(single[0]) == pytest.approx(float(double[0]), rel=LEAST_GAP_SINGLE)


def test_the_numbers_of_arrays_are_numbers() -> None:
    lens = Lens(focal_length_mm=np.float32(50.0), focus_m=2)  # type: ignore[arg-type]
    assert lens == Lens(focal_length_mm=50.0, focus_m=2.0)
    assert all(type(value) is float for value in lens.as_tuple())


@pytest.mark.parametrize("lens", [Lens(), Lens(85.0, 1.4, 3.0), Lens(4.2, 1.9, 0.5, 6.4)], ids=str)
def test_what_a_radius_was_made_of_is_found_again(lens: Lens) -> None:
    inverse_depth = np.array([0.0, 0.2, 1.0 / lens.focus_m, 4.0])
    radius_px = lens.signed_radius_px(inverse_depth, 1280)
    found = lens.inverse_depth_for_radius(radius_px, 1280)
    assert found == pytest.approx(inverse_depth, rel=OPTICS, abs=OPTICS)
    assert lens.inverse_depth_for_radius(0.0, 1280) == pytest.approx(1.0 / lens.focus_m, rel=OPTICS)
    slope = (radius_px[3] - radius_px[0]) / 4.0
    assert lens.radius_per_defocus_px(1280) == pytest.approx(slope, rel=OPTICS)


def test_a_focused_lens_sees_a_little_less_than_at_infinity() -> None:
    # At twice its focal length the image is as large as the object, and twice f away.
    assert Lens(50.0, 1.8, 0.1).field_of_view_deg == pytest.approx(
        2.0 * math.degrees(math.atan(36.0 / 200.0)), rel=OPTICS
    )
    near, far = (Lens(18.0, 1.8, focus_m).field_of_view_deg for focus_m in (1.0, 1e6))
    assert near < far < 90.0


@pytest.mark.parametrize("radius_px", [4.0, 30.0])
def test_the_f_number_for_a_radius_gives_that_radius(radius_px: float) -> None:
    f_number = f_number_for_radius(radius_px, 85.0, 1.5, 480, sensor_width_mm=23.5)
    lens = Lens(85.0, f_number, 1.5, 23.5)
    assert -lens.radius_px(math.inf, 480) == pytest.approx(radius_px, rel=OPTICS)


def test_the_f_number_for_a_radius_is_the_one_worked_out_by_hand() -> None:
    # r = 1/2 * 480 / 36 * 50^2 / (N (2000 - 50)), solved for N.
    by_hand = 0.5 * 480 / 36 * 50**2 / (1950 * 10)
    assert f_number_for_radius(10.0, 50.0, 2.0, 480) == pytest.approx(by_hand, rel=OPTICS)


def test_fields_of_view_of_flat_pictures_are_taken() -> None:
    def is_taken(fov_deg: float) -> bool:
        try:
            require_field_of_view("fov_deg", fov_deg)
        except LensError:
            return False
        return True

    asked = [0.99, 1.0, 60.0, 179.5, 180.0]
    assert [fov_deg for fov_deg in asked if is_taken(fov_deg)] == [1.0, 60.0, 179.5]


@pytest.mark.parametrize("fov_deg", [-60.0, 0.0, 0.5, 180.0, math.inf, math.nan])
def test_other_fields_of_view_are_refused(fov_deg: float) -> None:
    with pytest.raises(LensError, match=r"source_fov_deg=.*at least 1 and under 180 degrees"):
        require_field_of_view("source_fov_deg", fov_deg)


@pytest.mark.parametrize("fov_deg", [True, "60", None])
def test_a_field_of_view_that_is_no_number_is_refused(fov_deg: object) -> None:
    with pytest.raises(LensError, match=r"source_fov_deg=.*a number"):
        require_field_of_view("source_fov_deg", fov_deg)  # type: ignore[arg-type]
