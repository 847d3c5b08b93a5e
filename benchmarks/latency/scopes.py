"""From the names a profiler prints to the module of the network that a node came from.

Exported nodes are named `module.path/kind_n`. Optimisers make nodes of their own, named after a
value or after nothing; those are traced back to the named node that makes what they read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import onnx

from bokehflow.export.openvino_file import MODEL_FILE

_SCOPED = re.compile(r"(?:^|[ _])((?:network|upsample|renderer|shrink|enlarge|pipeline)[\w.]*)/")
_ENDINGS = re.compile(r"(_nchwc|_token_\d+)$")


def scope_in(name: str) -> str | None:
    """The module path written in a node's name, None if there is none."""
    match = _SCOPED.search(name)
    return match[1] if match else None


def scopes_of(names: Mapping[str, float], known: Mapping[str, str]) -> dict[str, float]:
    """Milliseconds by module path; "" holds what no path was found for.

    known: path by node or value name, from `file_scopes`.
    """
    found: dict[str, float] = {}
    for name, milliseconds in names.items():
        plain = _ENDINGS.sub("", name)
        scope = scope_in(name) or known.get(name) or known.get(plain) or ""
        found[scope] = found.get(scope, 0.0) + milliseconds
    return found


def file_scopes(model: Path) -> dict[str, str]:
    """Module path by node and value name, from an ONNX file or an OpenVINO folder; else empty."""
    if model.is_file():
        return _onnx_scopes(model)
    if (model / MODEL_FILE).exists():
        return _openvino_scopes(model / MODEL_FILE)
    return {}


def _onnx_scopes(model: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in onnx.load(str(model), load_external_data=False).graph.node:
        inherited = next((found[value] for value in node.input if value in found), None)
        scope = scope_in(node.name) or inherited
        if scope is not None:
            found.update(dict.fromkeys((node.name, *node.output), scope))
    return found


def _openvino_scopes(model: Path) -> dict[str, str]:
    tree = ElementTree.parse(model)
    sources: dict[str, list[str]] = {}
    for edge in tree.iterfind("./edges/edge"):
        sources.setdefault(edge.attrib["to-layer"], []).append(edge.attrib["from-layer"])
    by_id: dict[str, str] = {}
    by_name: dict[str, str] = {}
    # Layers are written in an order in which each comes after what it reads.
    for layer in tree.iterfind("./layers/layer"):
        number, name = layer.attrib["id"], layer.attrib["name"]
        inherited = next((by_id[s] for s in sources.get(number, ()) if s in by_id), None)
        scope = scope_in(name) or inherited
        if scope is not None:
            by_id[number] = by_name[name] = scope
    return by_name
