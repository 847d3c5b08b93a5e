"""What OpenVINO does with maps of few channels gives the same as before; nothing else changes."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from bokehflow.export.openvino_passes.enlarging import enlarge_without_tables
from bokehflow.export.openvino_passes.pooling import pool_channels_alone
from bokehflow.export.openvino_passes.slicing import take_channels_without_tables
from tests.tolerances import FP32_EQUAL

NAME = "renderer.blur/node_1"


def kinds_after(build: Any, shape: tuple[int, ...]) -> Counter[str]:
    """The kinds of node in a model of one operation, after it was changed and found to be equal."""
    openvino = pytest.importorskip("openvino")
    op = openvino.opset13
    x = op.parameter(list(shape), np.float32)
    node = build(op, x)
    node.set_friendly_name(NAME)
    model = openvino.Model([node.output(0)], [x], "resizing")
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    values = np.random.default_rng(0).random(shape, np.float32)
    before = openvino.compile_model(model, "CPU", settings)(values)[0]
    pool_channels_alone(model, openvino)
    enlarge_without_tables(model, openvino)
    take_channels_without_tables(model, openvino)
    assert NAME in {node.get_friendly_name() for node in model.get_ops()}
    after = openvino.compile_model(model, "CPU", settings)(values)[0]
    np.testing.assert_allclose(after, before, atol=FP32_EQUAL, rtol=0)
    return Counter(node.get_type_name() for node in model.get_ops())


@pytest.mark.parametrize("kind", ["AvgPool", "MaxPool"])
@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "pad_before", "changed"),
    [
        ((1, 4, 200, 240), (2, 2), (2, 2), (0, 0), True),
        ((1, 2, 202, 206), (3, 1), (1, 1), (1, 0), True),
        ((3, 7, 200, 241), (4, 4), (4, 4), (0, 0), True),
        ((1, 1, 202, 206), (2, 2), (2, 2), (0, 0), False),
        ((1, 8, 200, 240), (2, 2), (2, 2), (0, 0), False),
        ((1, 4, 20, 24), (2, 2), (2, 2), (0, 0), False),
    ],
)
def test_only_large_poolings_of_few_channels_go_channel_by_channel(
    kind: str,
    shape: tuple[int, ...],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pad_before: tuple[int, int],
    changed: bool,
) -> None:
    def build(op: Any, x: Any) -> Any:
        pads = list(pad_before), list(pad_before)
        if kind == "AvgPool":
            return op.avg_pool(x, list(stride), *pads, list(kernel), True, "floor", "explicit")
        pooled = op.max_pool(x, list(stride), [1, 1], *pads, list(kernel))
        pooled.set_friendly_name(NAME)
        return pooled

    kinds = kinds_after(build, shape)
    assert kinds[kind] == 1
    assert kinds["Reshape"] == (2 if changed else 0)


@pytest.mark.parametrize(
    ("shape", "scale", "mode", "changed"),
    [
        ((1, 4, 251, 253), 2.0, "linear_onnx", True),
        ((1, 6, 131, 101), 4.0, "linear_onnx", True),
        ((3, 4, 40, 53), 8.0, "linear_onnx", True),
        ((2, 3, 1, 700), 16.0, "linear_onnx", True),
        ((1, 4, 200, 240), 3.0, "linear_onnx", False),
        ((1, 4, 400, 480), 1.5, "linear_onnx", False),
        ((1, 4, 400, 480), 2.0, "nearest", False),
        ((1, 16, 200, 240), 2.0, "linear_onnx", False),
        ((1, 4, 60, 70), 2.0, "linear_onnx", False),
    ],
)
def test_only_large_linear_enlargements_are_repeated_and_smoothed(
    shape: tuple[int, ...], scale: float, mode: str, changed: bool
) -> None:
    def build(op: Any, x: Any) -> Any:
        return op.interpolate(
            x,
            op.constant(np.array([scale, scale], np.float32)),
            mode=mode,
            shape_calculation_mode="scales",
            coordinate_transformation_mode="half_pixel",
            axes=op.constant(np.array([2, 3], np.int64)),
        )

    assert kinds_after(build, shape)["GroupConvolution"] == (2 if changed else 0)


@pytest.mark.parametrize(
    ("shape", "axis", "start", "stop", "changed"),
    [
        ((1, 4, 100, 120), 1, -1, 2**31, True),
        ((2, 4, 100, 120), 1, -4, -3, True),
        ((1, 6, 101, 103), 1, 2, 3, True),
        ((1, 4, 100, 120), 1, 0, 3, False),
        ((1, 2, 100, 120), 1, 1, 2, False),
        ((1, 4, 100, 120), 2, 0, 1, False),
        ((1, 4, 20, 24), 1, 3, 4, False),
    ],
)
def test_only_single_channels_of_large_maps_are_gathered(
    shape: tuple[int, ...], axis: int, start: int, stop: int, changed: bool
) -> None:
    def build(op: Any, x: Any) -> Any:
        return op.slice(x, *(op.constant(np.array([i])) for i in (start, stop, 1, axis)))

    kinds = kinds_after(build, shape)
    assert (kinds["Gather"], kinds["Slice"]) == ((1, 0) if changed else (0, 1))
