"""Each rewrite on a small graph: what becomes of it as text, and that it computes the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnx_ir
import onnx_ir.passes.common
import onnxruntime
import pytest

from bokehflow.export.onnx_passes.hard_sigmoid import fuse_hard_sigmoids
from bokehflow.export.onnx_passes.reshapes import merge_reshapes
from tests.tolerances import FP32_EQUAL

HEADER = '<ir_version: 9, opset_import: ["": 18]> main (float[2,3] x) => (float[{shape}] y) {{ '
LINE = (
    HEADER.format(shape="2,3")
    + "low = Constant <value_float=0.25> () scale = Constant <value_float=4.0> () "
    "zero = Constant <value_float=0.0> () one = Constant <value_float=1.0> () "
)


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


@pytest.mark.parametrize(
    "body",
    [
        "a = Sub(x, low) b = Mul(a, scale) y = Clip(b, zero, one)",
        "a = Sub(low, x) b = Div(a, scale) y = Clip(b, zero, one)",
        "a = Mul(scale, x) b = Add(low, a) y = Clip(b, zero, one)",
    ],
    ids=["ramp", "falling", "line"],
)
def test_a_clipped_line_is_one_hard_sigmoid(body: str) -> None:
    assert rewritten(LINE + body + " }", fuse_hard_sigmoids) == (["HardSigmoid"], 1)


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        ("y = Clip(x, zero, one)", ["Clip"]),
        ("a = Sub(x, low) y = Clip(a, zero, scale)", ["Sub", "Clip"]),
        ("a = Div(low, x) y = Clip(a, zero, one)", ["Div", "Clip"]),
        ("a = Sub(x, low) b = Clip(a, zero, one) y = Add(a, b)", ["Sub", "Clip", "Add"]),
    ],
    ids=["nothing_before", "another_range", "a_hyperbola", "read_elsewhere"],
)
def test_what_is_no_line_of_its_own_stays(body: str, kinds: list[str]) -> None:
    assert rewritten(LINE + body + " }", fuse_hard_sigmoids) == (kinds, 0)


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
