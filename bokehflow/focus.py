"""Where to focus: a distance, a point in the frame, or the rule of autofocus."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, NamedTuple

from bokehflow.errors import NumericalError, UsageError
from bokehflow.optics import Lens, as_float, nearest_focus_m

if TYPE_CHECKING:
    from torch import Tensor

POINT_WINDOW_SHARE = 0.01
"""Side of the window around a focus point, as a share of the frame's shorter side."""
MIN_POINT_WINDOW_PX = 5
AUTOFOCUS_WINDOW_SHARE = 1 / 3
"""The part of the frame's width and height, around its centre, that autofocus looks at."""
AUTOFOCUS_QUANTILE = 0.1
"""The median of the nearest fifth: near, and yet carried by a tenth of the window."""
MOST_LOOKS = 8
SETTLED = 0.01
"""Change of the focus distance, as a share of it, that calls for no other look."""
LONGEST_STEP = 5.0
"""Times as far as where a place was seen, in logarithms, to look next."""

# No frame has more digits, and a number of hundreds of them is infinite as a float.
_NUMBER = r"\s*(\d{1,9}(?:\.\d+)?)(%?)\s*"
_POINT = re.compile(f"{_NUMBER},{_NUMBER}")


@dataclass(frozen=True, slots=True)
class FocusPoint:
    """A place in the displayed frame: pixels from its upper left corner, or percent of its size.

    Raises UsageError for what is no finite number.
    """

    x: float
    y: float
    x_in_percent: bool
    y_in_percent: bool

    def __post_init__(self) -> None:
        given: dict[str, object] = {"x": self.x, "y": self.y}
        for name, value in given.items():
            if not isinstance(value, Real) or not math.isfinite(as_float(value)):
                raise UsageError(f"a focus point with {name}={value!r}", "a finite number")

    def pixel(self, height: int, width: int) -> tuple[int, int]:
        """Row and column in a frame of this size. Raises UsageError for a point outside it."""
        column = _place(self.x, self.x_in_percent, width)
        row = _place(self.y, self.y_in_percent, height)
        if not (0 <= row < height and 0 <= column < width):
            raise UsageError(
                f"the focus point {column},{row} lies outside the frame",
                f"X in 0..{width - 1} and Y in 0..{height - 1} pixels, or percents",
            )
        return row, column


@dataclass(frozen=True, slots=True)
class Focus:
    """What to focus on. `distance_m` if given, else the depth at `point`, else autofocus."""

    distance_m: float | None = None
    point: FocusPoint | None = None

    @property
    def rule(self) -> str:
        """The rule by its name in results: "given", "point" or "autofocus"."""
        if self.distance_m is not None:
            return "given"
        return "autofocus" if self.point is None else "point"

    def distance_in(self, depth_m: Tensor) -> float:
        """The focus distance in metres in a scene of depth [1, 1, H, W], by `point` or autofocus.

        Raises UsageError where the place to focus on is infinitely far, NumericalError where its
        depth is NaN.
        """
        distance_m = (
            autofocus_m(depth_m) if self.point is None else depth_at_point_m(depth_m, self.point)
        )
        if math.isnan(distance_m):
            raise NumericalError(
                "the depth where to focus is NaN", "metres above 0", "use a less extreme lens"
            )
        if not math.isfinite(distance_m):
            raise UsageError(
                "the place to focus on is infinitely far",
                "something nearer",
                "give a focus distance",
            )
        return distance_m

    def found(
        self, depth_m: Callable[[float], Tensor], focal_length_mm: float, depth_scale: float
    ) -> FoundFocus:
        """The focus distance, given or found in a scene, of a lens of this focal length.

        depth_m: from the focus distance that is told, in metres, to the depth that is seen then,
        [1, 1, H, W] in metres. depth_scale: true depth over the depth that a network sees; where
        it sees the scene nearer it is told of a nearer focus, which the lens must have too. Raises
        as `distance_in` does.
        """
        if self.distance_m is not None:
            return FoundFocus(self.distance_m)
        farther = max(1.0, depth_scale)
        return found_focus(
            lambda told_m: self.distance_in(depth_m(told_m)),
            provisional_focus_m(focal_length_mm) * farther,
            nearest_focus_m(focal_length_mm) * farther,
        )


def provisional_focus_m(focal_length_mm: float) -> float:
    """A distance such a lens can focus at, for looking at a scene before choosing one."""
    return max(Lens().focus_m, focal_length_mm / 100.0)


def _place(value: float, in_percent: bool, side: int) -> int:
    """The pixel of a side at which a value lies, outside 0..side - 1 for one beyond the frame."""
    if in_percent:
        return round(value / 100 * (side - 1)) if value <= 100 else side
    return math.floor(value)


def parse_point(text: str) -> FocusPoint:
    """`X,Y` in pixels or, with % signs, in percent of width and height. Raises UsageError."""
    match = _POINT.fullmatch(text)
    if match is None:
        raise UsageError(
            f"the focus point {text!r}", "X,Y in pixels (640,360) or percent of the frame (50%,40%)"
        )
    x, x_percent, y, y_percent = match.groups()
    return FocusPoint(float(x), float(y), bool(x_percent), bool(y_percent))


def depth_at_point_m(depth_m: Tensor, point: FocusPoint) -> float:
    """The median depth in a small square around the point, cut at the frame's edges.

    depth_m: [1, 1, H, W]. The square's side is 1% of the shorter side, at least 5 pixels.
    """
    height, width = depth_m.shape[2:]
    row, column = point.pixel(height, width)
    reach = max(MIN_POINT_WINDOW_PX, round(POINT_WINDOW_SHARE * min(height, width))) // 2
    window = depth_m[
        0, 0, max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1
    ]
    return float(window.median())


def autofocus_m(depth_m: Tensor) -> float:
    """The median depth of the nearest fifth of the middle ninth of the frame: the 10% quantile.

    depth_m: [1, 1, H, W]. Nearer things smaller than that, and everything towards the edges of the
    frame, do not pull the focus.
    """
    height, width = depth_m.shape[2:]
    top, left = (int(side * (1 - AUTOFOCUS_WINDOW_SHARE) / 2) for side in (height, width))
    window = depth_m[0, 0, top : height - top, left : width - left].flatten()
    rank = max(1, math.ceil(AUTOFOCUS_QUANTILE * window.numel()))
    return float(window.kthvalue(rank).values)


class FoundFocus(NamedTuple):
    """A focus distance in metres, and whether the place is seen there once that is told."""

    distance_m: float
    settled: bool = True


def found_focus(look: Callable[[float], float], first_m: float, nearest_m: float) -> FoundFocus:
    """The focus distance at which a place is seen by who is told to be focused there.

    A network is told of the lens, and may see a place elsewhere once the focus is there. look: from
    the focus distance that is told to that at which the place is seen then, in metres. first_m:
    what is told first. nearest_m: no nearer distance is told, unless the place was seen there.
    What MOST_LOOKS looks have not settled is where the place was seen in the look whose two
    distances agreed best.
    """
    looks: list[_Look] = []
    told_m = first_m
    for _ in range(MOST_LOOKS):
        seen_m = look(told_m)
        if abs(seen_m - told_m) <= SETTLED * seen_m:
            return FoundFocus(seen_m)
        looks.append(_Look(math.log(told_m), math.log(seen_m)))
        told_m = math.exp(_log_to_tell(looks, math.log(nearest_m)))
    best = min(looks, key=lambda look: abs(look.error))
    return FoundFocus(math.exp(best.seen), settled=False)


class _Look(NamedTuple):
    """Logarithms of the distance that was told and of that at which the place was seen."""

    told: float
    seen: float

    @property
    def error(self) -> float:
        return self.seen - self.told


def _log_to_tell(looks: Sequence[_Look], nearest: float) -> float:
    """Logarithm of the distance to tell next: where a line through the last two looks has no error,
    LONGEST_STEP away at most.

    Where what is seen moves by more than what is told, such a line leads away: there it is where
    the place was seen. Between a look that saw it farther and one that saw it nearer it stays.
    """
    last = looks[-1]
    if len(looks) == 1 or last.told == looks[-2].told:
        return last.seen
    slope = (last.seen - looks[-2].seen) / (last.told - looks[-2].told)
    stretch = min(1.0 / (1.0 - slope), LONGEST_STEP) if slope < 1.0 else 1.0
    told = max(last.told + stretch * last.error, min(nearest, last.seen))
    low = max((look.told for look in looks if look.error > 0), default=-math.inf)
    high = min((look.told for look in looks if look.error < 0), default=math.inf)
    between = math.isfinite(low) and math.isfinite(high) and low < high
    return (low + high) / 2.0 if between and not low < told < high else told
