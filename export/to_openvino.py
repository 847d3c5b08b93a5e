"""ONNX graph to OpenVINO IR: the same graph, so that both engines run what was checked once.

Only LinearAttention nodes become something else (`gated_delta_net.py`).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import onnx

from bokehflow.errors import MissingDependencyError
from bokehflow.export.gated_delta_net import conversion_extension

MODEL_FILE = "model.xml"
RT_INFO_SECTION = "bokehflow"


def import_openvino() -> Any:
    """The package `openvino`. Raises MissingDependencyError without it."""
    try:
        import openvino
    except ModuleNotFoundError as error:
        raise MissingDependencyError("openvino", "openvino", "exporting to OpenVINO") from error
    return openvino


def to_openvino(
    proto: onnx.ModelProto,
    folder: Path,
    precision: Literal["fp32", "fp16"],
    metadata: Mapping[str, str],
) -> None:
    """Write `model.xml` and `model.bin` into `folder`, which must exist.

    precision: fp16 stores weights in half precision; the engine still computes as it is told to.
    metadata: written into the model's `rt_info`. Raises MissingDependencyError without OpenVINO.
    """
    openvino = import_openvino()
    core = openvino.Core()
    core.add_extension(conversion_extension(openvino))
    model = core.read_model(io.BytesIO(proto.SerializeToString()))
    for key, value in metadata.items():
        model.set_rt_info(value, [RT_INFO_SECTION, key])
    openvino.save_model(model, str(folder / MODEL_FILE), compress_to_fp16=precision == "fp16")
