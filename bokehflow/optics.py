"""Thin-lens optics: the lens to imitate, and the blur it gives a point at some depth.

Every formula takes plain numbers, NumPy arrays or torch tensors alike: only arithmetic is used, so
the same lines are the scalar truth, the renderer and the exported graph.

Source: founding document, section 3.3 (its CoC is the *diameter* on the sensor).
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from numbers import Real
from typing import Any

from bokehflow.errors import LensError

MM_PER_M = 1e3
FULL_FRAME_WIDTH_MM = 36.0
SMALLEST, LARGEST = 1e-6, 1e9
"""Of every number of a lens."""
LEAST_GAP, MOST_BLUR_WIDTHS = 1e-5, 1e6
"""How much farther than its focal length, as a share of it, a lens is focused, and how many times
the frame's width it blurs what is infinitely far: within these no formula overflows, in float32
either, where the gap between the two is right to within a fiftieth at its least."""
LENS_FIELDS = ("focal_length_mm", "f_number", "focus_m", "sensor_width_mm")
"""The order of the four numbers in every `lens` tensor, shape [1, 4]."""
SMALLEST_FOV_DEG, FOV_LIMIT_DEG = 1.0, 180.0
"""The smallest horizontal field of view that is taken, and the one that no flat picture reaches."""


def require_field_of_view(name: str, fov_deg: Any) -> None:
    """Raise LensError unless a flat picture can have this field of view across its width.

    name: what the message calls it.
    """
    if isinstance(fov_deg, bool) or not isinstance(fov_deg, Real):
        raise LensError(f"{name}={fov_deg!r}", "a number")
    if not SMALLEST_FOV_DEG <= as_float(fov_deg) < FOV_LIMIT_DEG:
        raise LensError(
            f"{name}={fov_deg}",
            f"at least {SMALLEST_FOV_DEG:g} and under {FOV_LIMIT_DEG:g} degrees",
        )


def narrowed_fov_deg(fov_deg: float, share: float) -> float:
    """Field of view across the middle `share` of a frame's width."""
    return 2.0 * math.degrees(math.atan(share * math.tan(math.radians(fov_deg / 2.0))))


def as_float(number: Any) -> float:
    """The number as a float; one that is too large for a float is infinite."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def nearest_focus_m(focal_length_mm: float) -> float:
    """About as near as a lens can be focused: just outside its focal length."""
    return 1.01 * focal_length_mm / MM_PER_M


def circle_of_confusion_mm(
    inverse_depth: Any, focal_length_mm: Any, f_number: Any, focus_m: Any
) -> Any:
    """Signed diameter of the blur circle on the sensor, in millimetres.

    inverse_depth: 1/m, any shape, >= 0 (0 is infinitely far). The result has its shape; it is
    positive for what is nearer than the focus distance and negative for what is farther.
    CoC is linear in inverse depth: f^2 / (N (S1 - f)) * (S1 / D - 1), written here as
    f^2 / N / (1 - f / S1) * (1 / D - 1 / S1), which is the same. Its difference is exact near the
    focus, where it matters.
    """
    return blur_per_defocus_mm(focal_length_mm, f_number, focus_m) * (inverse_depth - 1.0 / focus_m)


def blur_per_defocus_mm(focal_length_mm: Any, f_number: Any, focus_m: Any) -> Any:
    """Diameter of the blur circle on the sensor, in millimetres, for every 1/m of defocus.

    Defocus is the inverse depth less that of the focus. No step leaves half precision for a lens
    that is built, wherever it is focused: not even at infinity.
    """
    focal_m = focal_length_mm / MM_PER_M
    return focal_m * (focal_length_mm / f_number) / (1.0 - focal_m / focus_m)


def signed_radius_px(
    inverse_depth: Any,
    focal_length_mm: Any,
    f_number: Any,
    focus_m: Any,
    sensor_width_mm: Any,
    width_px: int,
) -> Any:
    """Signed blur radius in pixels of a frame `width_px` wide; positive is nearer than the focus.

    inverse_depth: 1/m, any shape. Half the circle of confusion times pixels per millimetre; the
    sensor's width is measured across the frame's width.
    """
    pixels_per_mm = width_px / sensor_width_mm
    coc_mm = circle_of_confusion_mm(inverse_depth, focal_length_mm, f_number, focus_m)
    return 0.5 * pixels_per_mm * coc_mm


def f_number_for_radius(
    radius_at_infinity_px: Any,
    focal_length_mm: Any,
    focus_m: Any,
    width_px: int,
    sensor_width_mm: float = FULL_FRAME_WIDTH_MM,
) -> Any:
    """The f-number that blurs infinity by so many pixels in a frame `width_px` wide.

    The inverse of `signed_radius_px` at inverse depth 0, where that is -radius_at_infinity_px.
    """
    px_per_mm = width_px / sensor_width_mm
    gap_mm = focus_m * MM_PER_M - focal_length_mm
    return 0.5 * px_per_mm * focal_length_mm**2 / (gap_mm * radius_at_infinity_px)


@dataclass(frozen=True, slots=True)
class Lens:
    """A thin lens focused at one distance. Lengths in the unit each name ends with."""

    focal_length_mm: float = 50.0
    f_number: float = 1.8
    focus_m: float = 1.5
    sensor_width_mm: float = FULL_FRAME_WIDTH_MM

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, Real):
                raise LensError(f"{field.name}={value!r}", "a number")
            # NumPy's scalars would give their own precision to every formula.
            value = as_float(value)
            object.__setattr__(self, field.name, value)
            if not math.isfinite(value) or value <= 0:
                raise LensError(f"{field.name}={value}", "a finite number above 0")
            if not SMALLEST <= value <= LARGEST:
                raise LensError(f"{field.name}={value}", f"{SMALLEST:g} to {LARGEST:g}")
        if self.focus_m * MM_PER_M <= self.focal_length_mm:
            raise LensError(
                f"focus_m={self.focus_m} lies inside the focal length ({self.focal_length_mm} mm)",
                f"more than {self.focal_length_mm / MM_PER_M} m",
                "focus farther away or use a shorter lens",
            )
        gap_mm = self.focus_m * MM_PER_M - self.focal_length_mm
        if gap_mm < LEAST_GAP * self.focal_length_mm:
            raise LensError(
                f"focus_m={self.focus_m} lies all but in the focal length",
                f"at least {(1 + LEAST_GAP) * self.focal_length_mm / MM_PER_M:.8g} m",
                "focus farther away",
            )
        widths = 0.5 * self.aperture_mm * self.focal_length_mm / gap_mm / self.sensor_width_mm
        if widths > MOST_BLUR_WIDTHS:
            raise LensError(
                f"{self} blurs what is far by {widths:.3g} times the frame's width",
                f"at most {MOST_BLUR_WIDTHS:g}",
                "use a smaller aperture, a shorter lens or a larger sensor",
            )

    @property
    def aperture_mm(self) -> float:
        """Diameter of the entrance pupil, f / N."""
        return self.focal_length_mm / self.f_number

    @property
    def field_of_view_deg(self) -> float:
        """Field of view across the width of a camera that really has this lens, focused.

        Focused at S1, a lens stands f S1 / (S1 - f) before the sensor, so that it is a little
        narrower than at infinity.
        """
        focus_mm = self.focus_m * MM_PER_M
        image_mm = self.focal_length_mm * focus_mm / (focus_mm - self.focal_length_mm)
        return 2.0 * math.degrees(math.atan(self.sensor_width_mm / (2.0 * image_mm)))

    def circle_of_confusion_mm(self, depth_m: Any) -> Any:
        """Signed blur-circle diameter on the sensor for a point `depth_m` metres away (> 0)."""
        return circle_of_confusion_mm(
            1.0 / depth_m, self.focal_length_mm, self.f_number, self.focus_m
        )

    def radius_px(self, depth_m: Any, width_px: int) -> Any:
        """Signed blur radius in pixels for a point `depth_m` metres away (> 0)."""
        return self.signed_radius_px(1.0 / depth_m, width_px)

    def signed_radius_px(self, inverse_depth: Any, width_px: int) -> Any:
        """Signed blur radius in pixels for an inverse depth in 1/m."""
        return signed_radius_px(
            inverse_depth,
            self.focal_length_mm,
            self.f_number,
            self.focus_m,
            self.sensor_width_mm,
            width_px,
        )

    def radius_per_defocus_px(self, width_px: int) -> float:
        """Change of the signed blur radius, in pixels, for every 1/m of inverse depth."""
        change: float = self.signed_radius_px(1.0, width_px) - self.signed_radius_px(0.0, width_px)
        return change

    def inverse_depth_for_radius(self, radius_px: Any, width_px: int) -> Any:
        """Inverse depth in 1/m that is blurred by a signed radius in pixels, any shape.

        The inverse of `signed_radius_px`; below 0 for what blurs more than the infinitely far.
        """
        at_infinity = self.signed_radius_px(0.0, width_px)
        return (radius_px - at_infinity) / self.radius_per_defocus_px(width_px)

    def as_tuple(self) -> tuple[float, float, float, float]:
        """The four numbers in the order of `LENS_FIELDS`."""
        return (self.focal_length_mm, self.f_number, self.focus_m, self.sensor_width_mm)

    def seen_with_depth_scaled(self, scale: float) -> Lens:
        """The lens that blurs depths multiplied by `scale` as this one blurs the depths themselves.

        A network that was trained for one field of view sees another camera's scene at `scale`
        times its true distance. Focus moves with the scene, and the f-number changes so that
        f^2 / (N (S1 - f)) stays what it is. Raises LensError where the focus would fall inside
        the focal length, and for what no lens could be.
        """
        focus_m = self.focus_m * scale
        if focus_m * MM_PER_M <= self.focal_length_mm:
            raise LensError(
                f"focus_m={self.focus_m} becomes {focus_m:.3g} m at the trained field of view, "
                f"inside the focal length ({self.focal_length_mm} mm)",
                remedy="focus farther away or take a shorter lens",
            )
        focal_m = self.focal_length_mm / MM_PER_M
        f_number = self.f_number * (self.focus_m - focal_m) / (focus_m - focal_m)
        try:
            return dataclasses.replace(self, focus_m=focus_m, f_number=f_number)
        except LensError as error:
            raise LensError(
                f"the lens becomes one of {error.found} at the trained field of view",
                error.expected,
                "name a less extreme field of view of the source, or take a less extreme lens",
            ) from error
