"""Each rewrite on a small graph: what becomes of it as text, and that it computes the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnx_ir
import onnx_ir.passes.common
import onnxruntime

from bokehflow.export.onnx_passes.ramps import merge_ramps
from bokehflow.export.onnx_passes.reshapes import merge_reshapes
from tests.tolerances import FP32_EQUAL

HEADER = '<ir_version: 9, opset_import: ["": 18]> main (float[2,3] x) => (float[{shape}] y) {{ '


def rewritten(text: str, rewrite: Callable[[Any], int]) -> tuple[list[str], int]:
    """Node kinds afterwards and how often the rewrite found its pattern; outputs must agree."""
    before = onnx.parser.parse_model(text)
    model = onnx_ir.from_proto(onnx.shape_inference.infer_shapes(before))
    onnx_ir.passes.common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(
        model
    )
    done = rewrite(model)
    onnx_ir.passes.common.RemoveUnusedNodesPass()(model)
    after = onnx_ir.to_proto(model)
    feeds = {"x": np.linspace(-1.0, 2.0, 6, dtype=np.float32).reshape(2, 3)}
    wanted, found = (
        onnxruntime.InferenceSession(proto.SerializeToString()).run(None, feeds)[0]
        for proto in (before, after)
    )
    np.testing.assert_allclose(found, wanted, atol=FP32_EQUAL)
    return [node.op_type for node in after.graph.node], done


def test_a_chain_of_reshapes_is_one() -> None:
    body = (
        "six = Constant <value_ints=[6]> () more = Constant <value_ints=[1,6,1]> () "
        "axis = Constant <value_ints=[0]> () "
        "a = Reshape(x, six) b = Reshape(a, more) y = Squeeze(b, axis) }"
    )
    kinds, done = rewritten(HEADER.format(shape="6,1") + body, merge_reshapes)
    assert kinds == ["Reshape"]
    assert done == 2


def test_a_lone_reshape_stays() -> None:
    body = "six = Constant <value_ints=[6]> () y = Reshape(x, six) }"
    assert rewritten(HEADER.format(shape="6") + body, merge_reshapes) == (["Reshape"], 0)


NUMBERS = (
    "zero = Constant <value_float=0.0> () one = Constant <value_float=1.0> () "
    "two = Constant <value_float=2.0> () three = Constant <value_float=3.0> () "
)


def test_a_line_clipped_to_0_and_1_is_one_ramp() -> None:
    body = NUMBERS + "a = Sub(x, two) b = Div(a, three) c = Add(one, b) y = Clip(c, zero, one) }"
    kinds, done = rewritten(HEADER.format(shape="2,3") + body, merge_ramps)
    assert kinds == ["HardSigmoid"]
    assert done == 1


def test_a_falling_line_is_a_ramp_too() -> None:
    body = NUMBERS + "a = Mul(three, x) b = Sub(two, a) y = Clip(b, zero, one) }"
    assert rewritten(HEADER.format(shape="2,3") + body, merge_ramps) == (["HardSigmoid"], 1)


def test_a_clip_of_its_own_or_to_other_limits_stays() -> None:
    for body in (
        "y = Clip(x, zero, one) }",
        "a = Add(x, three) y = Clip(a, zero, two) }",
        "a = Mul(x, x) y = Clip(a, zero, one) }",
        "a = Div(three, x) y = Clip(a, zero, one) }",
        "a = Mul(three, x) y = Clip(a, zero, one) }",
    ):
        kinds, done = rewritten(HEADER.format(shape="2,3") + NUMBERS + body, merge_ramps)
        assert done == 0
        assert kinds[-1] == "Clip"


def test_a_line_that_others_read_is_kept_for_them() -> None:
    body = NUMBERS + "a = Add(x, three) b = Clip(a, zero, one) y = Add(a, b) }"
    assert rewritten(HEADER.format(shape="2,3") + body, merge_ramps)[1] == 0
