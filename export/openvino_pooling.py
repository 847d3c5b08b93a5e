"""Means of 2x2 cells by linear interpolation, where OpenVINO's pooling costs more.

On a CPU it pools blocks of 8 channels. The renderer's maps have 4 or 1: they would be copied into
blocks that are mostly padding, and back. Halfway between two cells the interpolation is their mean.
"""

from __future__ import annotations

from typing import Any

import numpy as np

BLOCK = 8
SMALLEST_CELLS = 10_000
"""Of the halved map: below that nothing is saved, and the file grows."""


def interpolate_small_pools(model: Any, openvino: Any) -> None:
    """Replace such poolings; changes the model in place. openvino: the package."""
    for node in model.get_ordered_ops():
        if node.get_type_name() == "AvgPool" and _halves_few_channels(node):
            halved = _halved(node.input_value(0), openvino.opset13)
            halved.set_friendly_name(node.get_friendly_name())
            node.output(0).replace(halved.output(0))


def _halves_few_channels(pool: Any) -> bool:
    _, channels, *size = pool.input(0).get_shape()
    halved = list(pool.output(0).get_shape())[2:]
    attributes = pool.get_attributes()
    return (
        list(attributes["kernel"]) == list(attributes["strides"]) == [2, 2]
        and not any((*attributes["pads_begin"], *attributes["pads_end"]))
        and [2 * cells for cells in halved] == size
        and channels < BLOCK
        and int(np.prod(halved)) >= SMALLEST_CELLS
    )


def _halved(x: Any, op: Any) -> Any:
    return op.interpolate(
        x,
        op.constant(np.array([0.5, 0.5], np.float32)),
        mode="linear_onnx",
        shape_calculation_mode="scales",
        coordinate_transformation_mode="half_pixel",
        axes=op.constant(np.array([2, 3], np.int64)),
    )
