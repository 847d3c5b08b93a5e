"""Poolings of few channels, channel by channel.

On a CPU OpenVINO pools blocks of 8 or 16 channels. The renderer's maps have 2 or 4: they would be
copied into blocks that are mostly padding, and back. Single channels are pooled as they lie.
"""

from __future__ import annotations

from typing import Any

import numpy as np

BLOCK = 8
SMALLEST_VALUES = 40_000
"""Of the map that is pooled: below that nothing is saved, and the file grows."""


def pool_channels_alone(model: Any, openvino: Any) -> None:
    """Let such poolings take every channel for a frame of its own; changes the model in place.

    openvino: the package.
    """
    op = openvino.opset13
    for node in model.get_ordered_ops():
        if node.get_type_name() not in ("AvgPool", "MaxPool"):
            continue
        batch, channels, *size = node.input(0).get_shape()
        values = int(np.prod([batch, channels, *size]))
        if 1 < channels < BLOCK and values >= SMALLEST_VALUES:
            alone = _reshaped(node.input_value(0), (batch * channels, 1, *size), op)
            pooled = _pool_like(node, alone, op)
            pooled.set_friendly_name(f"{node.get_friendly_name()}/alone")
            together = _reshaped(pooled.output(0), tuple(node.output(0).get_shape()), op)
            together.set_friendly_name(node.get_friendly_name())
            node.output(0).replace(together.output(0))


def _pool_like(node: Any, x: Any, op: Any) -> Any:
    attributes = node.get_attributes()
    strides, begin, end, kernel, rounding, pad = (
        attributes[name]
        for name in ("strides", "pads_begin", "pads_end", "kernel", "rounding_type", "auto_pad")
    )
    if node.get_type_name() == "AvgPool":
        exclude = attributes["exclude-pad"]
        return op.avg_pool(x, strides, begin, end, kernel, exclude, rounding, pad)
    dilations = attributes["dilations"]
    return op.max_pool(x, strides, dilations, begin, end, kernel, rounding, pad)


def _reshaped(x: Any, shape: tuple[int, ...], op: Any) -> Any:
    return op.reshape(x, op.constant(np.array(shape, np.int64)), False)
