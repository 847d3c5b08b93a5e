"""Zeros that a map is padded with, joined to it instead, in a model that is to run in 8 bits.

OpenVINO takes a number that a map in float is subtracted from, such as the 1 of "1 - coverage", for
a zero point as soon as any layer runs in 8 bits, and moves it behind what follows. Behind a padding
that goes wrong (2026.4): its zeros become something else. At a concatenation it stays where it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def join_instead_of_padding(model: Any, opset: Any) -> None:
    """Let every padding with zeros be a concatenation with zeros; changes the model in place."""
    for node in model.get_ordered_ops():
        if node.get_type_name() != "Pad" or node.get_pad_mode() != "constant":
            continue
        name, joined = node.get_friendly_name(), node.input_value(0)
        begin, end, *values = (entry.get_node().get_data() for entry in node.input_values()[1:])
        if np.any(values) or min(*begin, *end) < 0 or not max(*begin, *end):
            continue
        for axis, (before, behind) in enumerate(zip(begin, end, strict=True)):
            parts = [*_zeros(joined, axis, before, opset), joined]
            parts += _zeros(joined, axis, behind, opset)
            if len(parts) > 1:
                longer = opset.concat(parts, axis)
                longer.set_friendly_name(f"{name}/join_{axis}")
                joined = longer.output(0)
        joined.get_node().set_friendly_name(name)
        node.output(0).replace(joined)


def _zeros(x: Any, axis: int, count: int, opset: Any) -> list[Any]:
    """So many slices of zeros as fit x along an axis, as one map; none for 0."""
    if count == 0:
        return []
    shape = np.array(x.get_shape(), np.int64)
    shape[axis] = count
    zero = opset.constant(np.zeros((), np.float32))
    return [opset.broadcast(zero, opset.constant(shape)).output(0)]
