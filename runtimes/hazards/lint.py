"""From an artifact on disk to its hazards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bokehflow.errors import ArtifactError
from bokehflow.export.naming import artifact_path
from bokehflow.export.packing import is_packed, named_as_given, unpack
from bokehflow.runtimes.hazards.graph import Graph
from bokehflow.runtimes.hazards.read_coreml import read_coreml
from bokehflow.runtimes.hazards.read_onnx import read_onnx
from bokehflow.runtimes.hazards.read_openvino import read_openvino
from bokehflow.runtimes.hazards.rules import LEVELS, RULES, Hazard

_READERS: dict[str, Callable[[Path], Graph]] = {
    ".onnx": read_onnx,
    "_openvino": read_openvino,
    ".mlpackage": read_coreml,
}


def lint(path: Path) -> list[Hazard]:
    """Every hazard of an artifact, the worst first. A manifest is not needed.

    Raises ArtifactError for what is no .onnx file, OpenVINO folder or .mlpackage, and
    MissingDependencyError without the package that reads the format.
    """
    packed = path if is_packed(path) else None
    path = unpack(path) if packed is not None else artifact_path(path)
    with named_as_given(path, packed):
        graph = _read(path)
    hazards = [hazard for rule in RULES for hazard in rule(graph)]
    return sorted(hazards, key=lambda hazard: LEVELS.index(hazard.level))


def _read(path: Path) -> Graph:
    if not path.exists():
        raise ArtifactError(f"no artifact at {path}", remedy="make one with bfx export")
    readers = [read for ending, read in _READERS.items() if path.name.endswith(ending)]
    if not readers:
        raise ArtifactError(f"{path} has an unknown ending", "one of " + ", ".join(_READERS))
    return readers[0](path)
