"""Zeros joined instead of padded with: the same map, and no 8 bits anywhere move it."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino
import pytest

from bokehflow.quantize.openvino_padding import join_instead_of_padding
from tests.tolerances import FP32_EQUAL

op = openvino.opset13
SETTINGS = {"INFERENCE_PRECISION_HINT": "f32"}
COVERAGE = np.random.default_rng(0).random((1, 1, 6, 10), np.float32)


def padded(
    x: Any, begin: list[int], end: list[int], value: float = 0.0, mode: str = "constant"
) -> Any:
    node = op.pad(x, np.array(begin), np.array(end), mode, np.float32(value))
    node.set_friendly_name("padding")
    return node


def halved(x: Any) -> Any:
    return op.avg_pool(x, [2, 2], [0, 0], [0, 0], [2, 2], True, "floor", "explicit")


def outputs(model: Any) -> list[np.ndarray]:
    found = openvino.compile_model(model, "CPU", SETTINGS)(COVERAGE)
    return [found[i] for i in range(len(model.outputs))]


@pytest.mark.parametrize(
    ("begin", "end", "value", "mode", "joins"),
    [
        ([0, 0, 0, 0], [0, 0, 0, 1], 0.0, "constant", 1),
        ([0, 0, 0, 0], [0, 0, 1, 1], 0.0, "constant", 2),
        ([0, 1, 2, 0], [0, 0, 3, 1], 0.0, "constant", 3),
        ([0, 0, 0, 0], [0, 0, 0, 0], 0.0, "constant", 0),
        ([0, 0, 0, 0], [0, 0, 0, 1], 0.5, "constant", 0),
        ([0, 0, 0, 0], [0, 0, 0, -1], 0.0, "constant", 0),
        ([0, 0, 1, 1], [0, 0, 1, 1], 0.0, "edge", 0),
    ],
)
def test_only_paddings_with_zeros_are_joined(
    begin: list[int], end: list[int], value: float, mode: str, joins: int
) -> None:
    x = op.parameter([1, 1, 6, 10], np.float32)
    model = openvino.Model([padded(op.relu(x), begin, end, value, mode).output(0)], [x], "one")
    (before,) = outputs(model)
    join_instead_of_padding(model, op)
    (after,) = outputs(model)
    np.testing.assert_array_equal(after, before)
    kinds = [node.get_type_name() for node in model.get_ops()]
    assert (kinds.count("Concat"), kinds.count("Pad")) == (joins, int(joins == 0))
    assert "padding" in {node.get_friendly_name() for node in model.get_ops()}


def test_one_layer_in_8_bits_changes_no_map_in_float() -> None:
    """As in the renderer's fill: a difference from 1, pooled and padded in turn."""

    def model(quantized: bool) -> Any:
        x = op.parameter([1, 1, 6, 10], np.float32)
        visible = op.subtract(op.constant(np.float32(1)), x)
        once = halved(visible)
        twice = halved(padded(once, [0, 0, 0, 0], [0, 0, 1, 1]))
        thrice = halved(padded(twice, [0, 0, 0, 0], [0, 0, 0, 1]))
        layer = op.fake_quantize(x, *(op.constant(np.float32(i)) for i in (0, 1, 0, 1)), 256)
        weight = op.fake_quantize(
            op.constant(np.ones((1, 1, 1, 1), np.float32)),
            *(op.constant(np.float32(i)) for i in (-1, 1, -1, 1)),
            255,
        )
        ends = [visible, once, twice, thrice]
        if quantized:
            ends.append(op.convolution(layer, weight, [1, 1], [0, 0], [0, 0], [1, 1]))
        return openvino.Model([end.output(0) for end in ends], [x], "fill")

    expected, quantized = outputs(model(False)), model(True)
    join_instead_of_padding(quantized, op)
    found = outputs(quantized)
    for right, mine in zip(expected, found, strict=False):
        np.testing.assert_allclose(mine, right, atol=FP32_EQUAL, rtol=0)
