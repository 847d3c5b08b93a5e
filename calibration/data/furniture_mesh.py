"""A model's triangles and textures, scaled to its size. Only this file imports trimesh."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from bokehflow.calibration.data.furniture import LIBRARY_FOLDER, Furniture
from bokehflow.errors import InputError
from bokehflow.installed import needs

Floats = npt.NDArray[np.float32]
CACHED_MODELS = 64
LARGEST_TEXTURE_PX = 256


@dataclass(frozen=True)
class MeshPart:
    """The part of a model that has one material.

    vertices [v, 3] in metres, the middle of the model's foot at the origin, y up, its front towards
    +z; faces [f, 3]; uv [v, 2], v up, zeros without a texture; normals [v, 3] or None.
    colour: linear light [3]. texture: uint8 [h, w, 3] sRGB or None, and its opacity uint8 [h, w] or
    None. opacity: of all.
    """

    vertices: Floats
    faces: npt.NDArray[np.uint32]
    uv: Floats
    normals: Floats | None
    colour: Floats
    texture: npt.NDArray[np.uint8] | None
    texture_opacity: npt.NDArray[np.uint8] | None
    opacity: float


@lru_cache(maxsize=CACHED_MODELS)
def load_parts(item: Furniture, folder: Path = LIBRARY_FOLDER) -> tuple[MeshPart, ...]:
    """The parts of a model. Raises InputError for a model that cannot be read."""
    scene = _load(item, folder)
    rotation = np.eye(3) if item.rotation is None else np.array(item.rotation).reshape(3, 3)
    everything = np.concatenate([mesh.vertices for mesh in scene]) @ rotation.T
    low, high = everything.min(axis=0), everything.max(axis=0)
    foot = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    scale = np.array(item.size_m) / np.maximum(high - low, 1e-9)
    return tuple(_part(mesh, rotation, foot, scale) for mesh in scene)


def _load(item: Furniture, folder: Path) -> list[Any]:
    with needs("trimesh", "data", "making rooms"):
        import trimesh
        from trimesh.resolvers import ZipResolver
    place = item.model.rsplit("/", 1)[0]
    path = folder / f"{item.library}.sh3f"
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.startswith(place + "/")]
            files = {name: io.BytesIO(archive.read(name)) for name in names}
        scene = trimesh.load(
            files[item.model],
            file_type="obj",
            resolver=ZipResolver(files, namespace=place),
            process=False,
            group_material=True,
        )
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{item.model} in {path} cannot be read: {error}") from error
    meshes = list(scene.geometry.values()) if isinstance(scene, trimesh.Scene) else [scene]
    meshes = [mesh for mesh in meshes if len(getattr(mesh, "faces", ()))]
    if not meshes:
        raise InputError(f"{item.model} in {path} holds no triangles")
    return meshes


def _part(mesh: Any, rotation: Any, foot: Any, scale: Any) -> MeshPart:
    material = getattr(mesh.visual, "material", None)
    settings = getattr(material, "kwargs", {})
    normals = mesh._cache.cache.get("vertex_normals")
    if normals is not None:
        normals = np.asarray(normals) @ rotation.T / scale
        normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    texture, opacity = _texture(getattr(material, "image", None))
    uv = getattr(mesh.visual, "uv", None)
    return MeshPart(
        vertices=((mesh.vertices @ rotation.T - foot) * scale).astype(np.float32),
        faces=np.asarray(mesh.faces, dtype=np.uint32),
        uv=np.asarray(np.zeros((len(mesh.vertices), 2)) if uv is None else uv, dtype=np.float32),
        normals=None if normals is None else normals.astype(np.float32),
        colour=_diffuse(settings),
        texture=texture if uv is not None else None,
        texture_opacity=opacity if uv is not None else None,
        opacity=_first(settings.get("d"), 1.0),
    )


def _texture(image: Any) -> tuple[npt.NDArray[np.uint8] | None, npt.NDArray[np.uint8] | None]:
    if image is None:
        return None, None
    image = image.convert("RGBA")
    image.thumbnail((LARGEST_TEXTURE_PX, LARGEST_TEXTURE_PX), Image.Resampling.BOX)
    pixels = np.asarray(image)
    alpha = pixels[:, :, 3]
    return np.ascontiguousarray(pixels[:, :, :3]), None if alpha.min() > 250 else alpha.copy()


def _diffuse(settings: Any) -> Floats:
    colour = settings.get("kd", [0.6, 0.6, 0.6])
    values = np.array([float(part) for part in colour][:3], dtype=np.float32)
    # The models' colours are meant for a screen.
    linear: Floats = (np.clip(values, 0.02, 0.95) ** np.float32(2.2)).astype(np.float32)
    return linear


def _first(value: Any, otherwise: float) -> float:
    if value is None:
        return otherwise
    return float(value[0] if isinstance(value, list | tuple) else value)
