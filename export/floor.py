"""The exported graph with its scans taken out: the floor that benchmarks measure against.

No artifact: it computes nothing of use, has no manifest, and `bfx export` cannot make it.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx
from torch import Tensor

from bokehflow.export.config import ExportConfig
from bokehflow.export.lowering import FusedMixer, FusedScan, LoweredBlock, LoweredNetwork
from bokehflow.export.lowering.orders import Reordering
from bokehflow.export.to_onnx import to_onnx
from bokehflow.export.trace import trace
from bokehflow.layers.bigdr import BiGDRBlock
from bokehflow.model import BokehFlow
from bokehflow.pipeline import Pipeline
from bokehflow.scan.inputs import ScanInputs
from bokehflow.signature import output_specs


def scan_free_onnx(model: BokehFlow, config: ExportConfig) -> onnx.ModelProto:
    """The ONNX graph of an export without scans and without the reordering of tokens.

    Everything else is there: projections, gates, fusion, heads and the renderer; what the scans
    would read is added up instead, so that nothing is left out as unused. `to_openvino` takes it as
    it takes an artifact's. config.scan is not looked at.
    """
    network = LoweredNetwork(model.network, lambda pair: LoweredBlock(pair, _ScanFreeMixer(pair)))
    pipeline = Pipeline(network, config.frame_size, config.network_size, config.render)
    names = [spec.name for spec in output_specs(network.variant, config.frame_size)]
    return to_onnx(trace(pipeline), names)


class _ScanFreeMixer(FusedMixer):
    reordering: Reordering = "none"

    def __init__(self, blocks: Sequence[BiGDRBlock]) -> None:
        super().__init__(blocks, FusedScan())

    def scan(self, inputs: ScanInputs, state: Tensor) -> tuple[Tensor, Tensor]:
        q, k, v, log_decay, beta = inputs
        by_head = (v + q * k).reshape(*beta.shape, self.head_size)
        return (by_head * (beta - log_decay)[..., None]).flatten(3), state
