from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from bokehflow.errors import NumericalError, UsageError
from bokehflow.focus import (
    LONGEST_STEP,
    MOST_LOOKS,
    SETTLED,
    Focus,
    FocusPoint,
    autofocus_m,
    depth_at_point_m,
    found_focus,
    parse_point,
)
from bokehflow.optics import nearest_focus_m

HEIGHT, WIDTH = 91, 121


def _scene(background_m: float = 8.0) -> torch.Tensor:
    return torch.full((1, 1, HEIGHT, WIDTH), background_m)


@pytest.mark.parametrize(
    ("text", "pixel"),
    [
        ("0,0", (0, 0)),
        ("120,90", (90, 120)),
        (" 10.4 , 20.6 ", (20, 10)),
        ("120.9,90.9", (90, 120)),
        ("0%,0%", (0, 0)),
        ("100%,100%", (90, 120)),
        ("50%,50%", (45, 60)),
        ("50%,3", (3, 60)),
    ],
)
def test_points_in_pixels_and_percent(text: str, pixel: tuple[int, int]) -> None:
    assert parse_point(text).pixel(HEIGHT, WIDTH) == pixel


@pytest.mark.parametrize(
    "text", ["", "5", "5,", "a,b", "-1,5", "1,2,3", "nan,1", "1e3,1", "9" * 400 + ",1"]
)
def test_what_is_no_point_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^the focus point .*; expected X,Y in pixels"):
        parse_point(text)


@pytest.mark.parametrize("x", [math.nan, math.inf, 10**400, "50", None], ids=lambda x: str(x)[:9])
@pytest.mark.parametrize("in_percent", [False, True])
def test_a_point_without_a_place_is_refused(x: Any, in_percent: bool) -> None:
    with pytest.raises(UsageError, match="a focus point with x="):
        FocusPoint(x, 1.0, in_percent, in_percent)


@pytest.mark.parametrize("text", ["121,0", "0,91", "101%,5", "100.001%,5"])
def test_a_point_outside_the_frame_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="outside"):
        parse_point(text).pixel(HEIGHT, WIDTH)


def test_the_point_is_read_robustly() -> None:
    depth = _scene()
    depth[..., 40:51, 60:71] = 2.0
    depth[0, 0, 45, 65] = 0.1  # one wrong pixel
    assert depth_at_point_m(depth, FocusPoint(65, 45, False, False)) == 2.0
    assert depth_at_point_m(depth, FocusPoint(0, 0, False, False)) == 8.0


def test_autofocus_takes_the_near_subject_in_the_middle() -> None:
    depth = _scene()
    depth[..., 35:56, 50:71] = 3.0  # about a third of the middle ninth
    depth[..., 45:47, 60:62] = 0.5  # nearer, but a speck
    depth[..., :, :20] = 0.3  # nearer, but at the edge
    assert autofocus_m(depth) == 3.0


def test_autofocus_works_on_the_smallest_frames() -> None:
    assert autofocus_m(torch.full((1, 1, 1, 1), 2.5)) == 2.5
    assert autofocus_m(torch.full((1, 1, 2, 3), 2.5)) == 2.5


def test_sky_cannot_be_focused_on() -> None:
    with pytest.raises(UsageError, match=r"infinitely far; .*; give a focus distance"):
        Focus().distance_in(_scene(math.inf))


def test_a_depth_of_nan_is_not_taken_for_the_sky() -> None:
    with pytest.raises(NumericalError, match="NaN"):
        Focus().distance_in(_scene(math.nan))


FIRST_M, NEAREST_M = 1.5, 0.05
SUBJECT_M = 0.6


def _bent(slope: float) -> Callable[[float], float]:
    """Where a network sees a subject that leans so much on the focus that it is told."""
    return lambda told_m: SUBJECT_M * (told_m / SUBJECT_M) ** slope


@pytest.mark.parametrize(
    ("seen_m", "focus_m", "most_looks"),
    [
        (lambda _: 3.0, 3.0, 2),
        (_bent(0.1), SUBJECT_M, 3),
        (_bent(0.6), SUBJECT_M, 3),
        (_bent(0.9), SUBJECT_M, 6),
        (_bent(-0.5), SUBJECT_M, 3),
        (lambda told_m: 3.0 + 0.1 * told_m, 3.0 / 0.9, 3),
        (lambda told_m: 5.0 - told_m, 2.5, 5),
        # Slopes from 0.2 to 1.5, as the shipped weights see a rocket far away.
        (lambda told_m: 2.0 + 10.7 / (1.0 + (5.0 / told_m) ** 3), 12.05, MOST_LOOKS),
    ],
    ids=["a depth map", "0.1", "0.6", "0.9", "-0.5", "far", "to and fro", "steep on the way"],
)
def test_the_focus_is_where_the_place_is_seen_once_it_is_told(
    seen_m: Callable[[float], float], focus_m: float, most_looks: int
) -> None:
    told: list[float] = []

    def look(told_m: float) -> float:
        told.append(told_m)
        return seen_m(told_m)

    found = found_focus(look, FIRST_M, NEAREST_M)
    assert found.settled
    assert seen_m(found.distance_m) == pytest.approx(found.distance_m, rel=SETTLED)
    assert found.distance_m == pytest.approx(focus_m, rel=LONGEST_STEP * SETTLED)
    assert told[0] == FIRST_M
    assert len(told) <= most_looks


@pytest.mark.parametrize("slope", [1.1, 1.5])
def test_a_place_that_moves_as_the_focus_does_is_not_run_after(slope: float) -> None:
    told: list[float] = []
    seen: list[float] = []

    def look(told_m: float) -> float:
        told.append(told_m)
        seen.append(1.1 * FIRST_M * (told_m / FIRST_M) ** slope)
        return seen[-1]

    found = found_focus(look, FIRST_M, NEAREST_M)
    assert not found.settled
    assert FIRST_M < found.distance_m < 2.0 * FIRST_M
    # No farther at a look than the place was seen at the one before it.
    assert told[1:] == pytest.approx(seen[:-1])


def test_a_place_seen_now_here_now_there_is_told_not_to_settle() -> None:
    found = found_focus(lambda told_m: 3.0 if told_m < 2.0 else 1.5, FIRST_M, NEAREST_M)
    assert not found.settled
    assert found.distance_m in (1.5, pytest.approx(3.0))


def test_no_line_leads_nearer_than_a_lens_can_focus() -> None:
    nearest_m = 0.58
    told: list[float] = []

    def look(told_m: float) -> float:
        told.append(told_m)
        return max(nearest_m, 0.5 * (told_m / 0.5) ** 0.8)

    assert found_focus(look, FIRST_M, nearest_m) == (pytest.approx(nearest_m), True)
    assert min(told) == pytest.approx(nearest_m)


@pytest.mark.parametrize(
    ("focal_length_mm", "depth_scale", "first_m"),
    [(50.0, 1.0, 1.5), (50.0, 0.5, 1.5), (50.0, 4.0, 6.0), (400.0, 1.0, 4.0), (400.0, 2.0, 8.0)],
)
def test_a_network_is_told_of_no_focus_that_the_lens_it_is_told_of_has_not(
    focal_length_mm: float, depth_scale: float, first_m: float
) -> None:
    nearest_m = nearest_focus_m(focal_length_mm) * max(1.0, depth_scale)
    told: list[float] = []

    def depth_m(told_m: float) -> torch.Tensor:
        told.append(told_m)
        line_m = 0.9 * nearest_m * (told_m / (0.9 * nearest_m)) ** 0.8
        return torch.full((1, 1, 9, 9), max(nearest_m, line_m))

    found = Focus().found(depth_m, focal_length_mm, depth_scale)
    assert found == (pytest.approx(nearest_m), True)
    assert told[0] == first_m
    assert min(told) == pytest.approx(nearest_m)


def test_a_focus_that_is_given_is_not_looked_for() -> None:
    def depth_m(_: float) -> torch.Tensor:
        raise AssertionError("the scene was looked at")

    assert Focus(0.7).found(depth_m, 50.0, 1.0) == (0.7, True)
