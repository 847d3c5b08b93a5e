"""Which layers of an ONNX graph read 8-bit values."""

from __future__ import annotations

import onnx

from bokehflow.quantize.guard import reached_layers
from bokehflow.quantize.onnx_graph import constant_values, eight_bit_layers_of, readers


def check_quantizers(proto: onnx.ModelProto) -> list[str]:
    """Those of `onnx_graph.eight_bit_layers_of` behind a quantizer, sorted. Raises what
    `reached_layers` does."""
    by_input, constants = readers(proto), constant_values(proto)
    return reached_layers(
        [
            node
            for node in proto.graph.node
            if node.op_type == "DequantizeLinear" and node.input[0] not in constants
        ],
        eight_bit_layers_of(proto),
        lambda node: [reader for output in node.output for reader in by_input.get(output, [])],
        lambda node: (node.name, node.op_type),
    )
