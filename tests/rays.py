"""Rays through a lens, one at a time: a truth that shares no code with the one it checks."""

from __future__ import annotations

from bokehflow.optics import MM_PER_M, Lens


def ray_shift_px(
    lens: Lens, depth_m: float, lens_point: tuple[float, float], width_px: int
) -> tuple[float, float]:
    """How far from the frame's centre, in px, a ray of a point on the axis makes its mark.

    lens_point: where the ray passes the lens, x to the right and y down as the camera sees the
    scene, in radii of its opening. A ray from X at depth D through the point a of the lens crosses
    the plane in focus, S1 away, at X S1/D + a (1 - S1/D), and what lies in that plane is seen where
    it is.
    """
    focus_mm = lens.focus_m * MM_PER_M
    image_mm = lens.focal_length_mm * focus_mm / (focus_mm - lens.focal_length_mm)
    plane_width_mm = lens.sensor_width_mm * focus_mm / image_mm
    per_radius = 0.5 * lens.aperture_mm * (1.0 - lens.focus_m / depth_m)
    x, y = (at * per_radius * width_px / plane_width_mm for at in lens_point)
    return x, y
