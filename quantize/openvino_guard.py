"""Which layers of an OpenVINO graph read 8-bit values."""

from __future__ import annotations

from typing import Any

from bokehflow.quantize.guard import reached_layers
from bokehflow.quantize.openvino_graph import eight_bit_layers_of, is_constant


def check_quantizers(model: Any) -> list[str]:
    """Those of `openvino_graph.eight_bit_layers_of` behind a quantizer, sorted. Raises what
    `reached_layers` does."""
    return reached_layers(
        [
            node
            for node in model.get_ops()
            if node.get_type_name() == "FakeQuantize" and not is_constant(node)
        ],
        eight_bit_layers_of(model),
        lambda node: [
            entry.get_node() for output in node.outputs() for entry in output.get_target_inputs()
        ],
        lambda node: (node.friendly_name, node.get_type_name()),
    )
