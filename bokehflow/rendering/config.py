"""The settings of the renderer, and the largest blur that it agrees to make."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Literal, get_args

from bokehflow.errors import UnknownNameError, UsageError
from bokehflow.optics import as_float
from bokehflow.specs import MAX_SIDE_PX

Quality = Literal["mobile", "best"]
QUALITIES: tuple[str, ...] = get_args(Quality)

DESIGN_RADIUS_PX = 75.0
"""Largest blur radius a graph is built for, in a frame whose longer side is DESIGN_SIDE_PX."""
DESIGN_SIDE_PX = 1920
LARGEST_SIDE_FRACTION = 1 / 8
"""No blur of a larger radius is asked for than this share of the longer side (or DESIGN_RADIUS_PX,
if that is more). A bank ends at the first of its radii at or above what is asked for."""
SMALLEST_REACH_PX, LARGEST_REACH_PX = 1.0, LARGEST_SIDE_FRACTION * MAX_SIDE_PX
MIN_BLADES, MAX_BLADES = 3, 32


@dataclass(frozen=True, slots=True)
class RenderConfig:
    """How to render; nothing here depends on the lens, which is a run-time input.

    quality: "mobile" for the phone, "best" for a desktop (more layers, finer pyramid levels).
    blades: 0 for a round aperture, or the number of straight blades, 3 to 32.
    blade_rotation_deg: angle of the aperture's first corner from the image's x axis towards y,
    which is down, in the blur of what lies behind the focus; what lies before it is blurred by the
    aperture turned by half a turn.
    highlight_recovery: how many times its own light a clipped highlight gets on top, 0 for none.
    max_radius_px: largest blur radius. None is, for a network's graph, `design_radius_px`, 75 px at
    1920 px on the longer side, in proportion, at which larger blur is held; for `render`, which
    refuses larger blur, `largest_radius_px`, an eighth of the longer side and 75 px at least.
    Raises UnknownNameError and UsageError.
    """

    quality: Quality = "mobile"
    blades: int = 0
    blade_rotation_deg: float = 0.0
    highlight_recovery: float = 0.0
    max_radius_px: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.quality, str):
            raise UsageError(f"quality={self.quality!r}", " or ".join(QUALITIES))
        if self.quality not in QUALITIES:
            raise UnknownNameError("quality", self.quality, QUALITIES)
        self._require_numbers()
        if self.blades != 0 and not MIN_BLADES <= self.blades <= MAX_BLADES:
            raise UsageError(
                f"blades={self.blades}",
                f"0 for a round aperture or {MIN_BLADES} to {MAX_BLADES}",
            )
        if not math.isfinite(as_float(self.blade_rotation_deg)):
            raise UsageError(f"blade_rotation_deg={self.blade_rotation_deg}", "a finite angle")
        if not 0.0 <= self.highlight_recovery <= 16.0:
            raise UsageError(f"highlight_recovery={self.highlight_recovery}", "0 to 16")
        if self.max_radius_px is not None and not (
            SMALLEST_REACH_PX <= as_float(self.max_radius_px) <= LARGEST_REACH_PX
        ):
            raise UsageError(
                f"max_radius_px={self.max_radius_px}",
                f"{SMALLEST_REACH_PX:g} to {LARGEST_REACH_PX:g} px",
            )
        self._make_plain()

    def _make_plain(self) -> None:
        """Numbers of NumPy's and others are Python's own from here on, which JSON can hold."""
        object.__setattr__(self, "blades", int(self.blades))
        for name in ("blade_rotation_deg", "highlight_recovery", "max_radius_px"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else float(value))

    def _require_numbers(self) -> None:
        wanted: dict[str, tuple[type, str]] = {
            "blades": (Integral, "a whole number"),
            "blade_rotation_deg": (Real, "a number"),
            "highlight_recovery": (Real, "a number"),
        }
        if self.max_radius_px is not None:
            wanted["max_radius_px"] = Real, "a number"
        for name, (kind, expected) in wanted.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, kind):
                raise UsageError(f"{name}={value!r}", expected)

    def reach_px(self, height: int, width: int) -> float:
        """The blur radius in px that a graph for frames of this size is built to reach."""
        return self.max_radius_px or design_radius_px(height, width)


def design_radius_px(height: int, width: int) -> float:
    """The blur radius in px that a graph for frames of this size is built to reach by default."""
    return DESIGN_RADIUS_PX * max(height, width) / DESIGN_SIDE_PX


def clip_radius_px(height: int, width: int) -> float:
    """The blur radius in px that graphs for training clips, and for judging by them, reach: crops
    may be blurred by more than whole frames of that size are."""
    return max(SMALLEST_REACH_PX, LARGEST_SIDE_FRACTION * max(height, width))


def largest_radius_px(height: int, width: int) -> float:
    """The blur radius in px above which `render` refuses a lens for a frame of this size."""
    return max(DESIGN_RADIUS_PX, LARGEST_SIDE_FRACTION * max(height, width))
