"""The graphs of a model that its artifacts are made of."""

from __future__ import annotations

from collections.abc import Sequence

import onnx

from bokehflow.export.checks import check_static_graph
from bokehflow.export.config import ExportConfig
from bokehflow.export.to_onnx import to_onnx
from bokehflow.export.trace import trace
from bokehflow.model import BokehFlow
from bokehflow.pipeline import Pipeline
from bokehflow.signature import output_specs


class Graphs:
    """Pipelines and ONNX graphs of one model.

    The last ONNX graph is kept, since OpenVINO is given the same one as ONNX Runtime.
    """

    def __init__(self, model: BokehFlow) -> None:
        self.model = model
        self._last: tuple[object, onnx.ModelProto] | None = None

    def pipeline(self, config: ExportConfig) -> Pipeline:
        """The model's weights in a pipeline of the sizes and with the lowering of the export."""
        network = config.lowering.apply(self.model.network)
        return Pipeline(network, config.frame_size, config.network_size, config.render).eval()

    def onnx_graph(self, config: ExportConfig) -> onnx.ModelProto:
        """A checked ONNX graph without metadata, to be read alone.

        Raises CheckError for one that is not static.
        """
        key = (config.frame_size, config.network_size, config.render, config.lowering.scan)
        if self._last is None or self._last[0] != key:
            network = self.model.network
            outputs = output_specs(network.variant, config.frame_size, network.temporal.segments)
            names = [spec.name for spec in outputs]
            self._last = (key, checked_onnx(self.pipeline(config), names))
        return self._last[1]


def checked_onnx(pipeline: Pipeline, output_names: Sequence[str]) -> onnx.ModelProto:
    """The ONNX graph of a pipeline. Raises CheckError for one that is not static."""
    proto = to_onnx(trace(pipeline), output_names)
    check_static_graph(proto)
    onnx.checker.check_model(proto, full_check=True)
    return proto
