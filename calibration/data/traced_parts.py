"""A layout as Mitsuba's shapes, materials and lights."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from bokehflow.calibration.data.furniture_mesh import MeshPart, load_parts
from bokehflow.calibration.data.layout import Body, Layout, Quad, Texture
from bokehflow.calibration.data.tracer import SceneParts, Shot, mesh_shape, placed
from bokehflow.srgb import srgb_to_linear

SKY_TURN_DEG = -90.0
"""Mitsuba's sky has its zenith along z; ours is along y."""
SKY_SCALE = 0.05
_LINEAR = srgb_to_linear(torch.arange(256) / 255.0).numpy()
"""Linear light of every 8-bit level."""


def quad_parts(mi: Any, layout: Layout) -> SceneParts:
    """The flat surfaces of a layout."""
    return {
        f"quad{index}": _quad(mi, f"quad{index}", quad, layout.ambient)
        for index, quad in enumerate(layout.quads)
    }


def body_parts(mi: Any, name: str, body: Body, frame: int, ambient: float) -> SceneParts:
    """One piece of furniture where it is at a frame."""
    pose = body.pose_at(frame)
    parts: SceneParts = {}
    for index, part in enumerate(load_parts(body.item)):
        # OBJ counts v from the bottom of a picture, Mitsuba from its top.
        uv = np.stack([part.uv[:, 0], 1.0 - part.uv[:, 1]], axis=1)
        material, glow = _material(mi, part, ambient)
        vertices, normals = placed(part.vertices, part.normals, pose)
        own = part_name(name, index)
        parts[own] = mesh_shape(mi, own, vertices, part.faces, material, uv, normals, glow)
    return parts


def part_name(name: str, index: int) -> str:
    """What the index-th part of a piece of furniture is called in the scene."""
    return f"{name}_{index}"


def move_body(shot: Shot, name: str, body: Body, frame: int) -> None:
    """Put a piece of furniture that is in a scene where it is at a frame."""
    pose = body.pose_at(frame)
    for index, part in enumerate(load_parts(body.item)):
        shot.move(part_name(name, index), *placed(part.vertices, part.normals, pose))
    shot.moved()


def sky_parts(mi: Any, layout: Layout) -> SceneParts:
    """Sun and sky, where the layout has them; lamps of a room are among its quads."""
    if layout.sun is None:
        return {}
    return {
        "sky": {
            "type": "sunsky",
            "sun_direction": list(layout.sun),
            "turbidity": layout.turbidity,
            "sun_scale": SKY_SCALE,
            "sky_scale": SKY_SCALE,
            "to_world": mi.ScalarTransform4f().rotate([1, 0, 0], SKY_TURN_DEG),
        }
    }


def _material(mi: Any, part: MeshPart, ambient: float) -> tuple[Any, Any]:
    """How a part reflects light, and its share of the ambient light."""
    light = np.broadcast_to(part.colour, (2, 2, 3))
    if part.texture is not None:
        light = _LINEAR[part.texture]
    matt = {"type": "twosided", "matt": {"type": "diffuse", "reflectance": _bitmap(mi, light)}}
    # Mitsuba lets a surface glow where it is cut out, too: what has holes goes without.
    if part.texture_opacity is not None:
        share = part.texture_opacity[:, :, None] / 255.0
        return mi.load_dict({"type": "mask", "opacity": _bitmap(mi, share), "nested": matt}), None
    if part.opacity < 1.0:
        share = np.full((2, 2, 1), max(part.opacity, 0.02))
        return mi.load_dict({"type": "mask", "opacity": _bitmap(mi, share), "nested": matt}), None
    return mi.load_dict(matt), _ambient(mi, light, ambient)


def _ambient(mi: Any, light: Texture, ambient: float) -> Any:
    """Light that nobody aims at: it is met by chance only, so that lamps get all the aiming."""
    if ambient == 0.0:
        return None
    radiance = _bitmap(mi, light * ambient)
    return mi.load_dict({"type": "area", "radiance": radiance, "sampling_weight": 0.0})


def _quad(mi: Any, name: str, quad: Quad, ambient: float) -> Any:
    corner, u, v = (np.array(edge) for edge in (quad.corner_m, quad.edge_u_m, quad.edge_v_m))
    vertices = np.stack([corner, corner + u, corner + u + v, corner + v]).astype(np.float32)
    if quad.radiance is not None:
        return _lamp(mi, vertices) | {"emitter": _lamp_light(quad.radiance)}
    if quad.texture is None:
        raise ValueError(f"{name} has neither texture nor light")
    times = np.ones(2)
    if quad.repeat_m is not None:
        times = np.array([np.linalg.norm(u), np.linalg.norm(v)]) / quad.repeat_m
    uv = (np.array([[0, 1], [1, 1], [1, 0], [0, 0]]) * times).astype(np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]], dtype=np.uint32)
    matt = {"type": "diffuse", "reflectance": _bitmap(mi, quad.texture)}
    material = mi.load_dict({"type": "twosided", "matt": matt})
    glow = _ambient(mi, quad.texture, ambient)
    return mesh_shape(mi, name, vertices, faces, material, uv, glow=glow)


def _bitmap(mi: Any, values: Any) -> SceneParts:
    """Numbers [h, w, channels] as a texture that repeats, mirrored.

    Even a plain colour is one. Dr.Jit compiles a program for every new kind of scene, which takes
    longer than to run it; when all surfaces are of one kind it finds the program in its cache.
    """
    pixels = mi.Bitmap(np.ascontiguousarray(values, dtype=np.float32))
    return {"type": "bitmap", "bitmap": pixels, "raw": True, "wrap_mode": "mirror"}


def _lamp(mi: Any, corners: Any) -> SceneParts:
    """A rectangle that spans three of the corners; Mitsuba's own covers [-1, 1] in x and y."""
    middle = (corners[0] + corners[2]) / 2
    half_u, half_v = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1], matrix[:3, 3] = half_u, half_v, middle
    normal = np.cross(half_u, half_v)
    matrix[:3, 2] = normal / np.linalg.norm(normal)
    return {"type": "rectangle", "to_world": mi.ScalarTransform4f(matrix)}


def _lamp_light(radiance: tuple[float, float, float]) -> SceneParts:
    return {"type": "area", "radiance": {"type": "rgb", "value": list(radiance)}}
