"""An exported graph cut where the network ends: all but upsampling, renderer and refinement.

What is kept does not depend on any node of the upsampling or the renderer. Its outputs are those of
the graph's own that are left (the next state), and what the rest reads of the network's nodes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx

from bokehflow.benchmarks.latency.scopes import scope_in
from bokehflow.engines.openvino_access import import_openvino, shared_core
from bokehflow.export.openvino_file import MODEL_FILE

_NETWORK, _AFTER = ("network",), ("upsample", "renderer")
_PURPOSE = "cutting an OpenVINO model"


def cut_onnx(model: Path, target: Path) -> None:
    """Write the network's part of an .onnx file to `target`."""
    whole = onnx.load(str(model))
    after: set[str] = set()
    kept: dict[str, str] = {}
    for node in whole.graph.node:
        if _is_in(_AFTER, node.name) or after.intersection(node.input):
            after.update(node.output)
        else:
            kept.update(dict.fromkeys(node.output, node.name))
    read = {v for node in whole.graph.node if after & set(node.output) for v in node.input}
    own = {value.name for value in whole.graph.output}
    inputs = [value.name for value in whole.graph.input]
    outputs = [v for v in kept if v in own or (v in read and _is_in(_NETWORK, kept[v]))]
    inferred = onnx.shape_inference.infer_shapes(whole)
    onnx.save(onnx.utils.Extractor(inferred).extract_model(inputs, outputs), str(target))


def cut_openvino(model: Path, target: Path) -> None:
    """Write the network's part of an OpenVINO folder to `target`, a folder that exists.

    Raises MissingDependencyError without OpenVINO.
    """
    openvino = import_openvino(_PURPOSE)
    whole = shared_core(_PURPOSE).read_model(str(model / MODEL_FILE))
    after: set[str] = set()
    ends: dict[str, Any] = {}
    for node in whole.get_ordered_ops():
        name = node.get_friendly_name()
        ports = [value.get_source_output() for value in node.inputs()]
        makers = {f"{_maker(port)}:{port.get_index()}": port for port in ports}
        comes_after = _is_in(_AFTER, name) or any(_maker(port) in after for port in ports)
        if comes_after:
            after.add(name)
        for value, port in makers.items():
            is_read = comes_after and _is_in(_NETWORK, _maker(port))
            if _maker(port) not in after and (is_read or node.get_type_name() == "Result"):
                ends[value] = port
    for value, port in ends.items():
        if not port.get_names():
            port.get_tensor().set_names({value})
    results = [openvino.opset13.result(port) for port in ends.values()]
    part = openvino.Model(results, whole.get_parameters(), "network part")
    openvino.save_model(part, str(target / MODEL_FILE), compress_to_fp16=False)


def _maker(port: Any) -> str:
    """The name of the node that makes a port's values."""
    return str(port.get_node().get_friendly_name())


def _is_in(modules: tuple[str, ...], node_name: str) -> bool:
    scope = scope_in(node_name)
    return scope is not None and scope.split(".")[0] in modules
