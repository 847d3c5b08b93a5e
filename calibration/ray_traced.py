"""Small scenes ray-traced by Mitsuba's `thinlens` camera: truth that shares no code with ours.

Needs the extra `data` (package mitsuba); only this file imports it, and only when a scene is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bokehflow.calibration.aperture import Aperture
from bokehflow.calibration.canvas import REFERENCE_WIDTH_PX
from bokehflow.calibration.materials import dark_colour, pale_colour
from bokehflow.calibration.scenes import Scene
from bokehflow.errors import UnknownNameError
from bokehflow.installed import needs
from bokehflow.optics import MM_PER_M, Lens, f_number_for_radius
from bokehflow.srgb import linear_to_srgb

VARIANT = "scalar_rgb"
SHARP_SAMPLES, TRUTH_SAMPLES = 144, 576
"""Rays a pixel; the truth needs more, since each ray also picks a point of the lens."""
LENS_AT_480_PX = 30.0
"""Blur radius of infinity in a frame 480 pixels wide."""
FOCUS_M = 1.5
FOCAL_MM = 85.0

SceneParts = dict[str, Any]


def _mitsuba() -> Any:
    """The package, set to its variant that needs no compiler. Raises MissingDependencyError."""
    with needs("mitsuba", "data", "a ray-traced scene"):
        import mitsuba
    mitsuba.set_variant(VARIANT)
    return mitsuba


def balls(rng: np.random.Generator) -> SceneParts:
    """Checkered balls at many depths over a checkered floor, before a checkered wall."""
    parts = _room(rng)
    for index, (depth_m, bearing) in enumerate(_places(rng, count=9)):
        radius = rng.uniform(0.03, 0.06) * depth_m
        x = bearing * depth_m
        y = rng.uniform(-0.14, 0.14) * depth_m
        parts[f"ball{index}"] = {
            "type": "sphere",
            "center": [x, float(y), depth_m],
            "radius": float(radius),
            "bsdf": _checkers(rng, 6.0),
        }
    return parts


def pillars(rng: np.random.Generator) -> SceneParts:
    """Upright checkered pillars, some nearer than the focus, over a floor and before a wall."""
    parts = _room(rng)
    for index, (depth_m, bearing) in enumerate(_places(rng, count=8)):
        x = bearing * depth_m
        parts[f"pillar{index}"] = {
            "type": "cylinder",
            "p0": [x, -1.0, depth_m],
            "p1": [x, float(rng.uniform(-0.1, 0.12) * depth_m), depth_m],
            "radius": float(rng.uniform(0.012, 0.035) * depth_m),
            "bsdf": _checkers(rng, 9.0),
        }
    return parts


_BUILDERS: dict[str, Callable[[np.random.Generator], SceneParts]] = {
    "traced-balls": balls,
    "traced-pillars": pillars,
}
RAY_TRACED_KINDS = tuple(_BUILDERS)


def make_ray_traced_scene(kind: str, seed: int, height: int, width: int) -> Scene:
    """A scene of one of `RAY_TRACED_KINDS`, rendered sharp, through the lens, and as depth.

    Takes seconds at 180x240 and grows with the area. The same arguments give the same bytes.
    Raises UnknownNameError and MissingDependencyError.
    """
    if kind not in _BUILDERS:
        raise UnknownNameError("ray-traced scene", kind, RAY_TRACED_KINDS)
    mitsuba = _mitsuba()
    rng = np.random.default_rng([seed, RAY_TRACED_KINDS.index(kind)])
    f_number = f_number_for_radius(LENS_AT_480_PX, FOCAL_MM, FOCUS_M, REFERENCE_WIDTH_PX)
    lens = Lens(FOCAL_MM, f_number, FOCUS_M)
    parts = _BUILDERS[kind](rng)
    sharp = render_linear(mitsuba, parts, camera(lens, height, width, pinhole=True), SHARP_SAMPLES)
    truth = render_linear(mitsuba, parts, camera(lens, height, width), TRUTH_SAMPLES)
    frame = torch.round(linear_to_srgb(sharp) * 255.0) / 255.0
    return Scene(
        name=f"{kind}-{seed}",
        frame=frame,
        depth_m=_depth_m(mitsuba, parts, camera(lens, height, width, pinhole=True)),
        lens=lens,
        truth=linear_to_srgb(truth),
        aperture=Aperture(),
    )


def camera(lens: Lens, height: int, width: int, pinhole: bool = False) -> SceneParts:
    """A Mitsuba camera at the origin that looks along +z, y up, with the field of view of `lens`.

    pinhole: everything sharp.
    """
    parts: SceneParts = {
        "type": "perspective" if pinhole else "thinlens",
        "fov": lens.field_of_view_deg,
        "fov_axis": "x",
        "near_clip": 0.01,
        "far_clip": 1000.0,
        "film": {
            "type": "hdrfilm",
            "width": width,
            "height": height,
            "pixel_format": "rgb",
            "component_format": "float32",
            "rfilter": {"type": "box"},
        },
    }
    if not pinhole:
        parts["aperture_radius"] = lens.aperture_mm / 2.0 / MM_PER_M
        parts["focus_distance"] = lens.focus_m
    return parts


def render_linear(mitsuba: Any, parts: SceneParts, sensor: SceneParts, samples: int) -> Tensor:
    """Linear light [1, 3, H, W] of a scene through a camera."""
    scene = mitsuba.load_dict(
        {
            "type": "scene",
            "integrator": {"type": "direct"},
            "sensor": sensor | {"sampler": {"type": "multijitter", "sample_count": samples}},
            **parts,
        }
    )
    pixels = np.array(mitsuba.render(scene, seed=0), dtype=np.float32)
    return torch.from_numpy(pixels).permute(2, 0, 1).unsqueeze(0).contiguous()


def _depth_m(mitsuba: Any, parts: SceneParts, sensor: SceneParts) -> Tensor:
    """Depth [1, 1, H, W] in metres along the optical axis at every pixel's centre."""
    scene = mitsuba.load_dict({"type": "scene", "sensor": sensor, **parts})
    eye = scene.sensors()[0]
    height, width = sensor["film"]["height"], sensor["film"]["width"]
    depth = np.full((height, width), np.inf, dtype=np.float32)
    for row in range(height):
        for col in range(width):
            place = [(col + 0.5) / width, (row + 0.5) / height]
            ray, _ = eye.sample_ray(0.0, 0.0, place, [0.5, 0.5])
            hit = scene.ray_intersect_preliminary(ray)
            if hit.is_valid():
                depth[row, col] = ray(hit.t)[2]
    return torch.from_numpy(depth)[None, None]


def _places(rng: np.random.Generator, count: int) -> list[tuple[float, float]]:
    """Depths in metres, the first in focus, and bearings (x over depth) spread over the frame."""
    depths = [FOCUS_M, *rng.uniform(0.95, 4.0, size=count - 1).tolist()]
    bearings = rng.permutation(np.linspace(-0.19, 0.19, count)).tolist()
    return list(zip(depths, bearings, strict=True))


def _room(rng: np.random.Generator) -> SceneParts:
    """Light from all sides, a wall 6 m away, a floor that leads to it."""
    from mitsuba import ScalarTransform4f

    floor = ScalarTransform4f().translate([0.0, -0.55, 3.5]).rotate([1, 0, 0], -90).scale(4.0)
    wall = ScalarTransform4f().translate([0.0, 0.0, 6.0]).rotate([0, 1, 0], 180).scale(4.0)
    return {
        "light": {"type": "constant", "radiance": 0.8},
        "floor": {"type": "rectangle", "to_world": floor, "bsdf": _checkers(rng, 40.0)},
        "wall": {"type": "rectangle", "to_world": wall, "bsdf": _checkers(rng, 30.0)},
    }


def _checkers(rng: np.random.Generator, count: float) -> SceneParts:
    """A matt checkerboard in a pale and a dark colour, seen from both sides."""
    from mitsuba import ScalarTransform4f

    squares = {
        "type": "checkerboard",
        "color0": {"type": "rgb", "value": _reflectance(pale_colour(rng))},
        "color1": {"type": "rgb", "value": _reflectance(dark_colour(rng))},
        "to_uv": ScalarTransform4f().scale([count, count, 1.0]),
    }
    return {"type": "twosided", "bsdf": {"type": "diffuse", "reflectance": squares}}


def _reflectance(colour: np.ndarray[Any, Any]) -> list[float]:
    return [min(0.95, float(value)) for value in colour]
