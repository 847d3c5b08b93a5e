"""The front of an ONNX graph: what its layers read, without what only reads them.

Calibration looks at layers, and half of a frame's time is the renderer behind them.
"""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

from bokehflow.quantize.onnx_graph import copied, initializers, layers_of, readers, remove_unused


def front_of(proto: onnx.ModelProto) -> onnx.ModelProto:
    """A copy that ends in what those layers of `layers_of` give that no layer depends on."""
    front = copied(proto)
    ends = [node.output[0] for node in layers_of(proto).values()]
    _end_in(front, ends)
    read = readers(front)
    _end_in(front, [name for name in ends if name not in read])
    return front


def with_rest(front: onnx.ModelProto, proto: onnx.ModelProto) -> onnx.ModelProto:
    """A front, changed or not, with all that stood behind it in the whole graph.

    Whatever was changed, the values that the rest reads must have kept their names.
    """
    whole = copied(proto)
    del whole.graph.node[:]
    del whole.graph.initializer[:]
    made = {name for node in front.graph.node for name in node.output}
    whole.graph.node.extend(front.graph.node)
    whole.graph.node.extend(node for node in proto.graph.node if not made & set(node.output))
    constants = initializers(proto) | initializers(front)
    whole.graph.initializer.extend(constants.values())
    remove_unused(whole)
    return whole


def _end_in(proto: onnx.ModelProto, values: list[str]) -> None:
    """Keep what these values depend on, in place."""
    del proto.graph.output[:]
    proto.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in values
    )
    remove_unused(proto)
