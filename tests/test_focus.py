from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from bokehflow.errors import NumericalError, UsageError
from bokehflow.focus import (
    MOST_LOOKS,
    SETTLED,
    Focus,
    FocusPoint,
    autofocus_m,
    depth_at_point_m,
    parse_point,
    settled_focus_m,
)

HEIGHT, WIDTH = 91, 121


def _scene(background_m: float = 8.0) -> torch.Tensor:
    return torch.full((1, 1, HEIGHT, WIDTH), background_m)


@pytest.mark.parametrize(
    ("text", "pixel"),
    [
        ("0,0", (0, 0)),
        ("120,90", (90, 120)),
        (" 10.4 , 20.6 ", (21, 10)),
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
    with pytest.raises(UsageError, match="X,Y"):
        parse_point(text)


@pytest.mark.parametrize("text", ["121,0", "0,91", "101%,5"])
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
    with pytest.raises(UsageError, match="infinitely far"):
        Focus().distance_in(_scene(math.inf))


def test_a_depth_of_nan_is_not_taken_for_the_sky() -> None:
    with pytest.raises(NumericalError, match="NaN"):
        Focus().distance_in(_scene(math.nan))


@pytest.mark.parametrize(
    ("seen_m", "focus_m", "looks"),
    [
        (lambda _: 3.0, 3.0, 2),
        (lambda told_m: 3.0 + 0.1 * told_m, 3.0 / 0.9, 3),
        (lambda told_m: 5.0 - told_m, 1.5, MOST_LOOKS),
    ],
    ids=["a depth map", "a network that leans on the lens", "one that never settles"],
)
def test_the_focus_is_where_the_place_is_seen_once_it_is_told(
    seen_m: Callable[[float], float], focus_m: float, looks: int
) -> None:
    told: list[float] = []

    def look(told_m: float) -> float:
        told.append(told_m)
        return seen_m(told_m)

    assert settled_focus_m(look, 1.5) == pytest.approx(focus_m, rel=SETTLED)
    assert told[0] == 1.5
    assert len(told) == looks
