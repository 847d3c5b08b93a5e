"""What an artifact says of itself inside, beside which its manifest is judged.

The manifest may be edited, or belong to another artifact whose hash was put into it; what the
export wrote into the file cannot without changing the hash. Core ML packages are left out: only
coremltools reads them, and takes seconds.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import onnx

from bokehflow.errors import ArtifactError
from bokehflow.export.artifacts.manifest import EMBEDDED_KEY, Manifest
from bokehflow.export.openvino_file import MODEL_FILE, RT_INFO_SECTION


def require_inner_facts(path: Path, manifest: Manifest) -> None:
    """Raise ArtifactError where the artifact at `path` was exported as another thing than its
    manifest says, or is not all in the file.

    What cannot be read, or tells nothing, is left to the runtime that is to load it.
    """
    reader = _READERS.get(manifest.target)
    inside = {} if reader is None else _facts(reader(path))
    told = json.loads(manifest.embedded()[EMBEDDED_KEY])
    for name in sorted(inside.keys() & told.keys()):
        if inside[name] != told[name]:
            raise ArtifactError(
                f"the manifest of {path} says that {name} is {reprlib.repr(told[name])}",
                f"{reprlib.repr(inside[name])}, as the artifact itself says",
                "export it again",
            )


def _in_onnx(path: Path) -> str | None:
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception:  # protobuf's own error, which has no typed home
        return None
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in _tensors(model.graph)):
        raise ArtifactError(
            f"{path} keeps weights in another file, of which its manifest knows nothing",
            "one file, as bfx export writes it",
            "export it again",
        )
    return {prop.key: prop.value for prop in model.metadata_props}.get(EMBEDDED_KEY)


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """All that are stored in a graph, those in its nodes and in theirs too."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for attribute in (found for node in graph.node for found in node.attribute):
        yield from (attribute.t, *attribute.tensors)
        for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
            yield from (sparse.values, sparse.indices)
        for inner in (attribute.g, *attribute.graphs):
            yield from _tensors(inner)


def _in_openvino(path: Path) -> str | None:
    try:
        model = ElementTree.parse(path / MODEL_FILE).getroot()
    except (OSError, ElementTree.ParseError):
        return None
    found = model.find(f"rt_info/{RT_INFO_SECTION}/{EMBEDDED_KEY}")
    return None if found is None else found.get("value")


def _facts(text: str | None) -> Mapping[str, Any]:
    try:
        facts: Any = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


_READERS: Mapping[str, Callable[[Path], str | None]] = {
    "onnx": _in_onnx,
    "openvino": _in_openvino,
}
