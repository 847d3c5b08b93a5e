"""What an artifact may take the place of: one of the same settings, which names do not all tell."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from bokehflow.errors import ArtifactError, OutputError
from bokehflow.export.artifacts.manifest import Manifest
from bokehflow.export.artifacts.manifest_reading import read_manifest
from bokehflow.export.artifacts.naming import manifest_path, record_path
from bokehflow.export.artifacts.staging import require_replaceable
from bokehflow.export.lowering.choice import AUTO
from bokehflow.export.targets import TARGET_FACTS


def require_place(path: Path, manifest: Manifest) -> None:
    """Raise OutputError for what is in the way of an artifact with this manifest: a folder that is
    none, a file where a folder is to be, something that is write-protected, or an artifact that was
    made with other settings.

    One of other weights is not: to export again after training is what an artifact's name is for.
    """
    if path.is_dir() and not manifest_path(path).is_file():
        raise OutputError(
            f"{path} is a folder, and no artifact",
            "an artifact to replace, or a name that is free",
            "move it away, or choose another folder with -o",
        )
    if path.is_file() and TARGET_FACTS[manifest.target].is_folder:
        raise OutputError(
            f"{path} is a file",
            "an artifact to replace, which is a folder, or a name that is free",
            "move it away, or choose another folder with -o",
        )
    for part in (path, manifest_path(path), record_path(path)):
        require_replaceable(part)
    for name, found, wanted in _other_settings(path, manifest):
        raise OutputError(
            f"{path} has {name} {found}",
            f"{wanted}, as what would replace it has",
            "choose another folder with -o, or remove it",
        )


def other_weights(path: Path, manifest: Manifest) -> str | None:
    """What to tell where an artifact is replaced by one of other weights; None where it is not."""
    before = _manifest_at(path)
    if before is None or before.weights_sha256 == manifest.weights_sha256:
        return None
    old, new = before.weights_sha256[:12], manifest.weights_sha256[:12]
    return f"{path} replaced one of other weights ({old}..., now {new}...)"


def _other_settings(path: Path, manifest: Manifest) -> Iterator[tuple[str, object, object]]:
    """Name, value there and value wanted of each setting that differs."""
    before = _manifest_at(path)
    if before is None:
        return
    wanted = dataclasses.asdict(manifest.render)
    for name, found in dataclasses.asdict(before.render).items():
        if found != wanted[name]:
            yield f"render.{name}", found, wanted[name]
    # What measures fastest differs from machine to machine.
    asked = any(each.scan.get("requested", AUTO) != AUTO for each in (before, manifest))
    if asked and before.lowering != manifest.lowering:
        yield "scan.lowering", before.lowering, manifest.lowering


def _manifest_at(path: Path) -> Manifest | None:
    """Of the artifact that lies there, None for none whose settings can be told."""
    try:
        manifest = read_manifest(manifest_path(path))
    except ArtifactError:
        return None
    return manifest if path.exists() else None
