"""Biases added to products instead of multiplied by a joined 1: the same sums, in 8 bits too."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino
import pytest

from bokehflow.quantize.openvino_biases import add_biases_apart
from tests.tolerances import FP32_EQUAL

op = openvino.opset13
SETTINGS = {"INFERENCE_PRECISION_HINT": "f32"}
RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=(2, 2, 9, 4)).astype(np.float32)
MAPS = RNG.uniform(-1.0, 2.0, (2, 5, 8)).astype(np.float32)


def products(
    column: Any, weights: np.ndarray = WEIGHTS, *, split: int = 0, quantized: bool = False
) -> Any:
    """Two products with a map joined with a column; the map in two parts, cut at `split`."""
    x = op.parameter([2, 5, 8], np.float32)
    maps = op.relu(x)
    parts = list(op.variadic_split(maps, 2, [split, 8 - split]).outputs()) if split else [maps]
    joined = op.concat([*parts, column], -1)
    if quantized:
        levels = (op.constant(np.float32(limit)) for limit in (0.0, 2.0, 0.0, 2.0))
        joined = op.fake_quantize(joined, *levels, 256)
    ends = []
    for number, weight in enumerate(weights):
        layer = op.matmul(joined, op.constant(weight), False, False)
        layer.set_friendly_name(f"layer_{number}")
        ends.append(op.relu(layer).output(0))
    return openvino.Model(ends, [x], "products")


def outputs(model: Any) -> list[np.ndarray]:
    found = openvino.compile_model(model, "CPU", SETTINGS)(MAPS)
    return [found[i] for i in range(len(model.outputs))]


def kinds(model: Any) -> list[str]:
    return [node.get_type_name() for node in model.get_ordered_ops()]


def ones(shape: tuple[int, ...] = (2, 5, 1)) -> Any:
    return op.constant(np.ones(shape, np.float32))


@pytest.mark.parametrize("split", [0, 3])
@pytest.mark.parametrize("stored", ["whole", "once"])
def test_the_last_row_is_added(split: int, stored: str) -> None:
    column = ones()
    if stored == "once":
        column = op.broadcast(op.constant(np.float32(1)), op.constant(np.array([2, 5, 1])))
    model = products(column, split=split)
    before = outputs(model)
    add_biases_apart(model, op)
    after = outputs(model)
    for mine, right in zip(after, before, strict=True):
        np.testing.assert_allclose(mine, right, rtol=0, atol=10 * FP32_EQUAL)
    assert kinds(model).count("Add") == 2
    assert kinds(model).count("Concat") == (1 if split else 0)  # shared, as it was
    layers = [node for node in model.get_ops() if node.get_type_name() == "MatMul"]
    assert {node.get_friendly_name() for node in layers} == {"layer_0", "layer_1"}
    assert all(node.input_value(0).get_shape()[-1] == 8 for node in layers)


@pytest.mark.parametrize(
    ("column", "width"),
    [
        (lambda: op.constant(np.full((2, 5, 1), 2.0, np.float32)), 1),
        (lambda: ones((2, 5, 2)), 2),
        (lambda: op.exp(op.constant(np.zeros((2, 5, 1), np.float32))), 1),
    ],
    ids=["twos", "two columns", "computed"],
)
def test_nothing_else_is_taken_for_a_bias(column: Any, width: int) -> None:
    model = products(column(), RNG.normal(size=(2, 2, 8 + width, 4)).astype(np.float32))
    before = kinds(model)
    add_biases_apart(model, op)
    assert kinds(model) == before


def test_a_quantized_map_keeps_its_column() -> None:
    """It is too late there: the range counts the 1."""
    model = products(ones(), quantized=True)
    add_biases_apart(model, op)
    assert "Add" not in kinds(model)
