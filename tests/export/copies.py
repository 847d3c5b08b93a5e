"""Copies of artifacts for tests that change them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx

from bokehflow.export import Artifact
from bokehflow.export.artifacts.hashing import artifact_bytes, artifact_sha256
from bokehflow.export.artifacts.naming import manifest_path

Change = Callable[[dict[str, Any]], object]


def copied(artifact: Artifact, folder: Path) -> Path:
    """A copy of an artifact and its manifest."""
    copy = folder / artifact.path.name
    if artifact.path.is_dir():
        shutil.copytree(artifact.path, copy)
    else:
        shutil.copy(artifact.path, copy)
    manifest_path(copy).write_bytes(manifest_path(artifact.path).read_bytes())
    return copy


def exported_otherwise(artifact: Artifact, folder: Path, change: Change) -> Path:
    """A copy of an ONNX artifact under another name that says, in its manifest and within, that it
    was exported otherwise."""
    path = folder / f"copy-{artifact.path.name}"
    model = onnx.load(artifact.path)
    (inside,) = model.metadata_props
    told = json.loads(inside.value)
    change(told)
    inside.value = json.dumps(told)
    onnx.save(model, path)
    facts = json.loads(manifest_path(artifact.path).read_text())
    change(facts)
    facts |= {"artifact_sha256": artifact_sha256(path), "artifact_bytes": artifact_bytes(path)}
    manifest_path(path).write_text(json.dumps(facts))
    return path
