"""From an artifact on disk to its hazards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bokehflow.errors import ArtifactError
from bokehflow.export.artifacts.artifact import target_of
from bokehflow.export.artifacts.naming import artifact_path, endings
from bokehflow.export.artifacts.packing import is_packed, named_as_given, unpack
from bokehflow.runtimes.hazards.graph import Graph
from bokehflow.runtimes.hazards.read_coreml import read_coreml
from bokehflow.runtimes.hazards.read_onnx import read_onnx
from bokehflow.runtimes.hazards.read_openvino import read_openvino
from bokehflow.runtimes.hazards.rules import LEVELS, RULES, Hazard

_READERS: dict[str, Callable[[Path], Graph]] = {
    "onnx": read_onnx,
    "openvino": read_openvino,
    "coreml": read_coreml,
}


def lint(path: Path) -> list[Hazard]:
    """Every hazard of an artifact, the worst first. A manifest is not needed where the name's
    ending tells the format.

    Raises ArtifactError for what is no .onnx file, OpenVINO folder or .mlpackage, and
    MissingDependencyError without the package that reads the format.
    """
    found, packed = opened(path)
    with named_as_given(found, packed):
        graph = _read(found)
    hazards = [hazard for rule in RULES for hazard in rule(graph)]
    return sorted(hazards, key=lambda hazard: LEVELS.index(hazard.level))


def opened(path: Path) -> tuple[Path, Path | None]:
    """The artifact that a path means, which may be its manifest's or that of its packed form; and
    that packed form, None where it is not packed.

    Raises what `unpack` and `artifact_path` raise.
    """
    return (unpack(path), path) if is_packed(path) else (artifact_path(path), None)


def _read(path: Path) -> Graph:
    if not path.exists():
        raise ArtifactError(f"no artifact at {path}", remedy="make one with bfx export")
    target = target_of(path)
    if target not in _READERS:
        raise ArtifactError(
            f"{path} has an unknown ending and no manifest beside it",
            "a manifest, or one of " + ", ".join(endings()),
        )
    return _READERS[target](path)
