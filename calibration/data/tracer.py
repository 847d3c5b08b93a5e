"""Scenes for Mitsuba, and what a camera sees of them: sharp, through the lens, and as depth.

Needs the extra `data` (package mitsuba) and LLVM 19, which compiles its vector code. The plain
variant of Mitsuba would give other bytes and take three times as long, so it is no substitute.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehflow.calibration.data.pinhole import Pinhole, aperture_radius_m
from bokehflow.calibration.data.pose import Pose
from bokehflow.errors import MissingDependencyError
from bokehflow.installed import needs
from bokehflow.optics import Lens

VARIANT = "llvm_ad_rgb"
LLVM_FILE, LLVM_APT_PACKAGE = "libLLVM.so.19.1", "libllvm19"
LLVM_FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib/llvm-19/lib")
BOUNCES = 2
"""Light that comes straight from a lamp or the sky, or from a surface that glows a little."""
MOST_LEAVES = 24
"""How many transparent surfaces a depth ray passes before it takes what it hits."""

SceneParts = dict[str, Any]
Floats = npt.NDArray[np.float32]


def load_mitsuba() -> Any:
    """The package, set to its vector variant on one thread.

    Raises MissingDependencyError for the package or for LLVM 19.
    """
    if "DRJIT_LIBLLVM_PATH" not in os.environ:
        os.environ["DRJIT_LIBLLVM_PATH"] = str(_llvm())
    with needs("mitsuba", "data", "making rooms"):
        import mitsuba
    import drjit

    if mitsuba.variant() != VARIANT:
        mitsuba.set_variant(VARIANT)
    # Sums over threads come in any order, and would differ in their last bits from run to run.
    drjit.set_thread_count(1)
    mitsuba.set_log_level(mitsuba.LogLevel.Error)
    return mitsuba


def _llvm() -> Path:
    for folder in LLVM_FOLDERS:
        path = Path(folder) / LLVM_FILE
        if path.exists():
            return path
    raise MissingDependencyError(
        LLVM_FILE, None, "making rooms", f"apt-get install {LLVM_APT_PACKAGE}"
    )


@dataclass(frozen=True)
class Shot:
    """A loaded Mitsuba scene without a camera. values: its vertices, which may be moved."""

    mitsuba: Any
    scene: Any
    values: Any

    @classmethod
    def of(cls, mitsuba: Any, parts: SceneParts) -> Shot:
        """Load Mitsuba's dictionary of shapes and lights."""
        scene = mitsuba.load_dict({"type": "scene", **parts})
        values = mitsuba.traverse(scene)
        values.keep([r".*\.vertex_(positions|normals)"])
        return cls(mitsuba, scene, values)

    def move(self, name: str, vertices: Floats, normals: Floats | None) -> None:
        """Give a mesh new vertices and normals [v, 3] in the world; `moved` makes it so."""
        self.values[f"{name}.vertex_positions"] = vertices.ravel()
        if normals is not None:
            self.values[f"{name}.vertex_normals"] = normals.ravel()

    def moved(self) -> None:
        """Take note of what was moved."""
        self.values.update()

    def depth_m(self, camera: Pinhole) -> npt.NDArray[np.float64]:
        """Depth [H, W] in metres along the optical axis at pixel centres, infinite in the sky.

        Leaves are cut out by their opacity, and glass is looked through.
        """
        rays = camera.rays().reshape(-1, 3)
        rotation, origin = camera.world_from_camera[:3, :3], camera.world_from_camera[:3, 3]
        lengths = np.linalg.norm(rays, axis=1)
        directions = (rays @ rotation.T) / lengths[:, None]
        travelled = self._distance(np.broadcast_to(origin, directions.shape), directions)
        depth: npt.NDArray[np.float64] = (travelled / lengths).reshape(camera.height, camera.width)
        return depth

    def _distance(self, origins: Any, directions: Any) -> npt.NDArray[np.float64]:
        """Distance along each ray to the first surface that is more opaque than not."""
        mi = self.mitsuba
        total = np.zeros(len(directions))
        active = np.arange(len(directions))
        for _ in range(MOST_LEAVES):
            place = origins[active] + total[active, None] * directions[active]
            ray = mi.Ray3f(mi.Point3f(*place.T), mi.Vector3f(*directions[active].T))
            hit = self.scene.ray_intersect(ray)
            t, found = np.array(hit.t, dtype=np.float64), np.array(hit.is_valid())
            clear = np.array(hit.bsdf().eval_null_transmission(hit), dtype=np.float64)
            through = found & (clear.reshape(3, -1).mean(axis=0) > 0.5)
            total[active] += np.where(found, t, np.inf)
            active = active[through]
            if not len(active):
                break
            total[active] += 1e-4
        return total

    def picture(self, camera: Pinhole, samples: int, seed: int, lens: Lens | None) -> Floats:
        """Linear light [H, W, 3], sharp or through the lens. samples: rays a pixel."""
        mi = self.mitsuba
        sensor = mi.load_dict(_sensor(mi, camera, samples, lens))
        integrator = mi.load_dict({"type": "path", "max_depth": BOUNCES})
        light = mi.render(self.scene, sensor=sensor, integrator=integrator, seed=seed)
        return np.array(light, dtype=np.float32)[:, :, :3]


def _sensor(mi: Any, camera: Pinhole, samples: int, lens: Lens | None) -> SceneParts:
    pose = camera.world_from_camera
    origin, forward, down = pose[:3, 3], pose[:3, 2], pose[:3, 1]
    look = mi.ScalarTransform4f().look_at(
        origin=origin.tolist(), target=(origin + forward).tolist(), up=(-down).tolist()
    )
    parts: SceneParts = {
        "type": "perspective" if lens is None else "thinlens",
        "fov": camera.fov_deg,
        "fov_axis": "x",
        "near_clip": 0.01,
        "far_clip": 10000.0,
        "to_world": look,
        "film": {
            "type": "hdrfilm",
            "width": camera.width,
            "height": camera.height,
            "pixel_format": "rgb",
            "component_format": "float32",
            "rfilter": {"type": "box"},
        },
        "sampler": {"type": "independent", "sample_count": samples},
    }
    if lens is not None:
        parts["aperture_radius"] = aperture_radius_m(lens, camera.fov_deg)
        parts["focus_distance"] = lens.focus_m
    return parts


def mesh_shape(
    mi: Any,
    name: str,
    vertices: Floats,
    faces: npt.NDArray[np.uint32],
    bsdf: Any,
    uv: Floats,
    normals: Floats | None = None,
    glow: Any = None,
) -> Any:
    """A triangle mesh: vertices [v, 3] in metres, faces [f, 3], uv [v, 2], normals [v, 3].

    glow: an emitter, for light that the surface gives off.
    """
    properties = mi.Properties()
    properties["mesh_bsdf"] = bsdf
    if glow is not None:
        properties["mesh_emitter"] = glow
    mesh = mi.Mesh(
        name,
        vertex_count=len(vertices),
        face_count=len(faces),
        has_vertex_normals=normals is not None,
        has_vertex_texcoords=True,
        props=properties,
    )
    values = mi.traverse(mesh)
    values["vertex_positions"] = np.ascontiguousarray(vertices, dtype=np.float32).ravel()
    values["faces"] = np.ascontiguousarray(faces, dtype=np.uint32).ravel()
    values["vertex_texcoords"] = np.ascontiguousarray(uv, dtype=np.float32).ravel()
    if normals is not None:
        values["vertex_normals"] = np.ascontiguousarray(normals, dtype=np.float32).ravel()
    values.update()
    return mesh


def placed(points: Floats, normals: Floats | None, pose: Pose) -> tuple[Floats, Floats | None]:
    """Points [v, 3] of a body, and its normals [v, 3] if it has any, in the world."""
    rotation = pose[:3, :3].T
    world = (points @ rotation + pose[:3, 3]).astype(np.float32)
    return world, None if normals is None else (normals @ rotation).astype(np.float32)


def bodies_seen(
    depth_m: npt.NDArray[np.float64], body_depths_m: Sequence[npt.NDArray[np.float64]]
) -> npt.NDArray[np.intp]:
    """Which body each pixel shows: 0 the world that stands still, i + 1 the i-th moving body.

    body_depths_m: for each moving body, the depth [H, W] of a scene that holds nothing else.
    """
    bodies = np.zeros(depth_m.shape, dtype=np.intp)
    for index, alone in enumerate(body_depths_m):
        bodies[np.isfinite(alone) & (alone <= depth_m * (1.0 + 1e-6))] = index + 1
    return bodies
