"""ONNX graph to OpenVINO IR: the same graph, so that both engines run what was checked once.

Only LinearAttention nodes become something else (`gated_delta_net.py`), and on maps of few channels
poolings, enlargements and slices of one channel (`openvino_passes`).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import onnx

from bokehflow.engines.openvino_access import import_openvino
from bokehflow.export.gated_delta_net import conversion_extension
from bokehflow.export.openvino_file import write_model
from bokehflow.export.openvino_passes.enlarging import enlarge_without_tables
from bokehflow.export.openvino_passes.inputs import with_every_input
from bokehflow.export.openvino_passes.pooling import pool_channels_alone
from bokehflow.export.openvino_passes.slicing import take_channels_without_tables
from bokehflow.export.targets import Precision

OPENVINO_PURPOSE = "exporting to OpenVINO"


def to_openvino(
    proto: onnx.ModelProto,
    folder: Path,
    precision: Precision,
    metadata: Mapping[str, str],
) -> None:
    """Write `model.xml` and `model.bin` into `folder`, which must exist.

    precision: fp16 stores weights in half precision; the engine still computes as it is told to.
    metadata: written into the model's `rt_info`. Raises MissingDependencyError without OpenVINO and
    OSError where the folder is full.
    """
    openvino = import_openvino(OPENVINO_PURPOSE)
    core = openvino.Core()  # Not the shared one, which would keep the extension; it only reads.
    core.add_extension(conversion_extension(openvino))
    read = core.read_model(io.BytesIO(proto.SerializeToString()))
    model = with_every_input(read, proto, openvino)
    pool_channels_alone(model, openvino)
    enlarge_without_tables(model, openvino)
    take_channels_without_tables(model, openvino)
    write_model(model, folder, metadata, round_to_fp16=precision == "fp16")
