"""The models of the suite's cases, made once and kept in a folder."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import onnx

from bokehflow.atomic import atomic_file, atomic_folder
from bokehflow.benchmarks.results_file import write_json
from bokehflow.benchmarks.suite.cases import ModelSpec
from bokehflow.benchmarks.suite.network_part import cut_onnx, cut_openvino
from bokehflow.export import ExportConfig, export
from bokehflow.export.artifacts.naming import artifact_name
from bokehflow.export.floor import scan_free_onnx
from bokehflow.export.to_openvino import to_openvino
from bokehflow.layers.segments import TemporalConfig
from bokehflow.model import load_model

VARIANT = "nano"


@dataclass(frozen=True, slots=True)
class MadeModel:
    """A model on disk. seconds: what making it took; nodes: of the ONNX graph, None for others."""

    path: Path
    seconds: float
    nodes: int | None


def made_model(spec: ModelSpec, folder: Path) -> MadeModel:
    """The model of `spec` in a folder of its own under `folder`, made now unless it is there."""
    own = folder / spec.name
    maker, path = _MAKERS[spec.kind], own / _file_name(spec)
    facts = own / "facts.json"
    if facts.exists():
        return MadeModel(path, **json.loads(facts.read_text(encoding="utf-8")))
    # Without its facts a folder holds what an interrupted run left.
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir()
    started = time.perf_counter()
    maker(spec, folder, path)
    made = MadeModel(path, time.perf_counter() - started, _nodes(path))
    write_json(facts, {name: value for name, value in asdict(made).items() if name != "path"})
    return made


def _artifact(spec: ModelSpec, _folder: Path, path: Path) -> None:
    export(load_model(VARIANT), _config(spec), path.parent)


def _floor(spec: ModelSpec, _folder: Path, path: Path) -> None:
    """Made as the artifact is that it is the floor of, every pass after the scans included."""
    config = ExportConfig(spec.target, spec.frame, spec.network)
    graph = scan_free_onnx(load_model(VARIANT), config)
    if spec.target == "openvino":
        with atomic_folder(path) as hidden:
            to_openvino(graph, hidden, "fp32", {})
    else:
        with atomic_file(path) as hidden:
            onnx.save(graph, str(hidden))


def _network_part(spec: ModelSpec, folder: Path, path: Path) -> None:
    whole = ModelSpec("artifact", spec.target, spec.scan, spec.frame, spec.network)
    source = made_model(whole, folder).path
    if spec.target == "openvino":
        with atomic_folder(path) as hidden:
            cut_openvino(source, hidden)
    else:
        with atomic_file(path) as hidden:
            cut_onnx(source, hidden)


_MAKERS: dict[str, Callable[[ModelSpec, Path, Path], None]] = {
    "artifact": _artifact,
    "floor": _floor,
    "network part": _network_part,
}
"""Writes the model of a spec to a path; the folder is where other models are found."""


def _file_name(spec: ModelSpec) -> str:
    if spec.kind == "artifact":
        return artifact_name(VARIANT, _config(spec), TemporalConfig())
    return "openvino" if spec.target == "openvino" else "model.onnx"


def _config(spec: ModelSpec) -> ExportConfig:
    return ExportConfig(spec.target, spec.frame, spec.network, scan=spec.scan)


def _nodes(path: Path) -> int | None:
    return len(onnx.load(str(path)).graph.node) if path.suffix == ".onnx" else None
