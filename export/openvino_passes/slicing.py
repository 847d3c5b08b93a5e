"""One channel out of a map's few, taken by Gather instead of Slice.

Where channels lie innermost, OpenVINO's Slice on a CPU looks up two indices of 8 bytes for every
pixel, and keeps them from compilation on. Gather has one index in all.
"""

from __future__ import annotations

from typing import Any

import numpy as np

FEWEST_CHANNELS = 3
"""Maps of fewer do not lie that way here."""
SMALLEST_PIXELS = 10_000
"""Of a map; the tables of smaller ones are small."""


def take_channels_without_tables(model: Any, openvino: Any) -> None:
    """Replace such slices; changes the model in place. openvino: the package."""
    op = openvino.opset13
    for node in model.get_ordered_ops():
        if node.get_type_name() != "Slice" or not _takes_one_channel(node):
            continue
        start = node.input_value(1).get_node()
        if start.get_type_name() != "Constant":
            continue
        channel = int(start.get_data().item()) % node.input(0).get_shape()[1]
        taken = op.gather(
            node.input_value(0),
            op.constant(np.array([channel], np.int32)),
            op.constant(np.array(1, np.int32)),
        )
        taken.set_friendly_name(node.get_friendly_name())
        node.output(0).replace(taken.output(0))


def _takes_one_channel(node: Any) -> bool:
    before, after = list(node.input(0).get_shape()), list(node.output(0).get_shape())
    if len(before) != 4 or before[1] < FEWEST_CHANNELS:
        return False
    alone = after == [before[0], 1, *before[2:]]
    return alone and before[2] * before[3] >= SMALLEST_PIXELS
