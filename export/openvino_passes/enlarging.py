"""Linear enlargements of maps of few channels, as OpenVINO computes them fastest on a CPU.

It interpolates from a table of which cells lie where, 32 bytes a pixel. Cells that are repeated and
then smoothed are the same numbers: linear interpolation by n is a triangle 2n wide, and a triangle
is the run of n equal cells that repeating makes, smoothed by n + 1 weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FEW_CHANNELS = 8
"""At most so many are repeated and smoothed; with more the tables pay."""
SMALLEST_ENLARGED = 1_000_000
"""Values of a map that comes out larger, all channels."""
LARGEST_FACTOR = 16
"""Beyond it smoothing has more to do than looking up four cells a pixel."""


def enlarge_without_tables(model: Any, openvino: Any) -> None:
    """Replace such interpolations; changes the model in place. openvino: the package.

    Only enlargements of both axes by the same even number.
    """
    op = openvino.opset13
    borders = _Borders(op)
    for node in model.get_ordered_ops():
        if node.get_type_name() == "Interpolate" and (factor := _linear_factor(node)):
            name = node.get_friendly_name()
            enlarged = _repeated_and_smoothed(node.input_value(0), factor, op, borders, name)
            enlarged.set_friendly_name(name)
            node.output(0).replace(enlarged.output(0))


def _linear_factor(node: Any) -> int:
    """By how much an interpolation enlarges, 0 for one that is left alone."""
    attributes = node.get_attributes()
    (batch, channels, height, width), after = node.input(0).get_shape(), node.output(0).get_shape()
    factor = int(after[2]) // height
    exact = list(after) == [batch, channels, height * factor, width * factor]
    linear = attributes["mode"] in ("linear_onnx", "linear")
    middle = attributes["coordinate_transformation_mode"] == "half_pixel"
    large = int(np.prod(list(after))) >= SMALLEST_ENLARGED
    fits = exact and linear and middle and large and channels <= FEW_CHANNELS
    return factor if fits and 2 <= factor <= LARGEST_FACTOR and factor % 2 == 0 else 0


def _repeated_and_smoothed(x: Any, factor: int, op: Any, borders: _Borders, name: str) -> Any:
    """An axis after the other: the first has the less to do, and two factors in a row would be
    multiplied by the compiler, to one for every pixel."""
    for axis in (3, 2):
        channels, length = x.get_shape()[1], x.get_shape()[axis] * factor
        cells = op.interpolate(
            x,
            op.constant(np.array([factor], np.float32)),
            mode="nearest",
            shape_calculation_mode="scales",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
            axes=op.constant(np.array([axis], np.int64)),
        )
        cells.set_friendly_name(f"{name}/repeat_{axis}")
        weights = smoothing_weights(factor).astype(np.float32)
        sides = [len(weights) if i == axis else 1 for i in (2, 3)]
        kernel = np.broadcast_to(weights.reshape(sides), (channels, 1, 1, *sides))
        border = [side // 2 for side in sides]
        smooth = op.group_convolution(
            cells, op.constant(kernel.copy()), [1, 1], border, border, [1, 1]
        )
        smooth.set_friendly_name(f"{name}/smooth_{axis}")
        result = op.multiply(smooth, borders.along(factor, int(length), axis))
        result.set_friendly_name(f"{name}/border_{axis}")
        x = result.output(0)
    return result


def smoothing_weights(factor: int) -> NDArray[np.float64]:
    """[factor + 1], sum 1: what makes a triangle of a run of `factor` equal cells; factor even."""
    return np.array([0.5, *[1.0] * (factor - 1), 0.5]) / factor


class _Borders:
    """What makes up for the cells that a convolution misses beyond the border.

    They would be like those inside, which are alike there: so one over the weights that are left.
    """

    def __init__(self, op: Any) -> None:
        self._op = op
        self._made: dict[tuple[int, int, int], Any] = {}

    def along(self, factor: int, length: int, axis: int) -> Any:
        """Factors by which pixels along an axis are multiplied, of rank 4."""
        key = (factor, length, axis)
        if key not in self._made:
            self._made[key] = self._op.constant(_factors(factor, length, axis))
        return self._made[key]


def _factors(factor: int, length: int, axis: int) -> NDArray[np.float32]:
    half = factor // 2
    left = np.convolve(np.ones(length), smoothing_weights(factor))[half : half + length]
    return (1.0 / left).astype(np.float32).reshape([length if i == axis else 1 for i in range(4)])
