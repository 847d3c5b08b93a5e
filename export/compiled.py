"""What an engine made of an exported graph: does it hold the operation that it was meant to hold?

A fusion that does not happen is no error to an engine; it is only many times slower.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import onnx

from bokehflow.engines.onnxruntime_access import import_onnxruntime, model_given
from bokehflow.engines.openvino_access import shared_core
from bokehflow.engines.reason import reason_of, reason_of_openvino
from bokehflow.errors import CheckError
from bokehflow.export.lowering.choice import Lowering
from bokehflow.export.openvino_file import MODEL_FILE
from bokehflow.temporary import temporary_folder

ONNX_PURPOSE = "compiling an ONNX model"
OTHER_FORM = "export with --scan chunked, or with another version of the engine"
LOOPS = ("Loop", "TensorIterator")
"""How OpenVINO calls what its fusion left as a loop over tokens."""


def check_compiled(target: str, path: Path, lowering: Lowering, layers: int) -> None:
    """Compile an artifact for the CPU and count the lowering's operator.

    Lowerings of standard operators need no check. Raises CheckError where the count is another or
    the engine refuses the graph, and OutputError where there is no room for the compiled graph.
    """
    if lowering.operator is None:
        return
    operators = _COMPILED[target](path)
    found = operators[lowering.operator]
    loops = sum(operators[name] for name in LOOPS)
    wanted = layers * lowering.operators_a_layer
    if found != wanted or loops:
        raise CheckError(
            f"the compiled graph has {found} {lowering.operator} and {loops} loops",
            f"{wanted} {lowering.operator}, {lowering.operators_a_layer} a layer, and no loop",
            OTHER_FORM,
        )


def operators_of(compiled: Any) -> Counter[str]:
    """How many operations of each kind a compiled OpenVINO model has."""
    nodes = compiled.get_runtime_model().get_ops()
    return Counter(node.get_rt_info()["layerType"].astype(str) for node in nodes)


def _compiled_onnx(path: Path) -> Counter[str]:
    onnxruntime = import_onnxruntime(ONNX_PURPOSE)
    with temporary_folder() as folder:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.optimized_model_filepath = str(folder / "optimized.onnx")
        try:
            onnxruntime.InferenceSession(model_given(path), options, ["CPUExecutionProvider"])
        # Its exceptions have no common base below Exception.
        except Exception as error:
            # It does not say why it could not write the graph. What it wrote of it is still there:
            # no room for as much as the artifact takes means that the disk is full.
            (folder / "room").write_bytes(bytes(path.stat().st_size))
            raise _refused(reason_of(error)) from error
        graph = onnx.load(options.optimized_model_filepath).graph
    return Counter(node.op_type for node in graph.node)


def _compiled_openvino(path: Path) -> Counter[str]:
    core = shared_core("compiling an OpenVINO model")
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    try:
        return operators_of(core.compile_model(str(path / MODEL_FILE), "CPU", settings))
    except RuntimeError as error:
        raise _refused(reason_of_openvino(error)) from error


def _refused(reason: str) -> CheckError:
    """What to tell where an engine does not take the graph."""
    return CheckError(f"the engine refuses the graph ({reason})", "one that compiles", OTHER_FORM)


_COMPILED = {"onnx": _compiled_onnx, "openvino": _compiled_openvino}
