"""The files of an OpenVINO artifact, `model.xml` and `model.bin`, written as small as can be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from bokehflow.engines.openvino_access import import_openvino
from bokehflow.engines.reason import reason_of_openvino
from bokehflow.export.artifacts.staging import not_written
from bokehflow.export.openvino_passes.compact import compact

MODEL_FILE = "model.xml"
RT_INFO_SECTION = "bokehflow"
TOOL_SECTION = "nncf"
"""What NNCF writes into a model: every name that it left alone. The manifest says what matters."""
LAYER_BYTES = 1024
"""About as long as the text of one layer is before it is shortened."""


def write_model(
    model: Any, folder: Path, metadata: Mapping[str, str], *, round_to_fp16: bool
) -> None:
    """Write a model into `folder`, which must exist; the model in memory is left as it is.

    metadata: goes into the model's `rt_info`. round_to_fp16: store all floats in half precision,
    as OpenVINO does; otherwise those alone that it holds exactly. Raises OSError where it cannot be
    written, which `staged` tells.
    """
    openvino = import_openvino("writing an OpenVINO model")
    small = model.clone()
    if TOOL_SECTION in small.get_rt_info():
        del small.rt_info[TOOL_SECTION]
    compact(small, openvino, exact_halves=not round_to_fp16)
    for key, value in metadata.items():
        small.set_rt_info(value, [RT_INFO_SECTION, key])
    path = folder / MODEL_FILE
    try:
        openvino.save_model(small, str(path), compress_to_fp16=round_to_fp16)
    except RuntimeError as error:
        raise not_written(folder, reason_of_openvino(error), _size_of(small)) from error
    _shorten(path)


def _size_of(model: Any) -> int:
    """About how many bytes OpenVINO writes of a model."""
    operations = model.get_ops()
    constants = [node for node in operations if node.get_type_name() == "Constant"]
    return sum(int(node.get_byte_size()) for node in constants) + len(operations) * LAYER_BYTES


def _shorten(path: Path) -> None:
    """Drop indentation, and what inputs repeat of the outputs that they are connected with."""
    root = ElementTree.parse(path).getroot()
    for element in root.iter():
        element.tail = None
        if element.text is not None and not element.text.strip():
            element.text = None
    for port in root.iterfind(".//layer/input/port"):
        port.attrib.pop("precision", None)
        for dimension in list(port):
            port.remove(dimension)
    # No attribute holds this: ">" is escaped there.
    path.write_bytes(ElementTree.tostring(root).replace(b" />", b"/>"))
