"""Poolings that become interpolations compute the same, and no others do."""

from collections import Counter

import numpy as np
import pytest

from bokehflow.export.openvino_pooling import interpolate_small_pools
from tests.tolerances import FP32_EQUAL


@pytest.mark.parametrize(
    ("channels", "height", "width", "stride", "pad_before", "expected"),
    [
        (4, 200, 240, 2, 0, "Interpolate"),
        (1, 202, 206, 2, 0, "Interpolate"),
        (8, 200, 240, 2, 0, "AvgPool"),
        (4, 20, 24, 2, 0, "AvgPool"),
        (4, 201, 241, 2, 0, "AvgPool"),
        (4, 200, 240, 1, 0, "AvgPool"),
        (4, 200, 240, 2, 1, "AvgPool"),
    ],
)
def test_only_large_halvings_of_few_channels_change_and_give_the_same(
    channels: int, height: int, width: int, stride: int, pad_before: int, expected: str
) -> None:
    openvino = pytest.importorskip("openvino")
    op = openvino.opset13
    x = op.parameter([1, channels, height, width], np.float32)
    pool = op.avg_pool(x, [stride] * 2, [pad_before] * 2, [0, 0], [2, 2], True, "floor", "explicit")
    pool.set_friendly_name("renderer.blur/averagepool_1")
    model = openvino.Model([pool], [x], "pools")
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    values = np.random.default_rng(0).random((1, channels, height, width), np.float32)
    before = openvino.compile_model(model, "CPU", settings)(values)[0]
    interpolate_small_pools(model, openvino)
    named = {node.get_friendly_name(): node.get_type_name() for node in model.get_ops()}
    assert named["renderer.blur/averagepool_1"] == expected
    assert Counter(named.values())["AvgPool"] == (expected == "AvgPool")
    after = openvino.compile_model(model, "CPU", settings)(values)[0]
    np.testing.assert_allclose(after, before, atol=FP32_EQUAL, rtol=0)
