"""Parts of the ONNX recipes on graphs of a few nodes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from bokehflow.errors import CheckError
from bokehflow.quantize.onnx_compact import compact
from bokehflow.quantize.onnx_graph import copied
from bokehflow.quantize.onnx_guard import check_quantizers
from bokehflow.quantize.onnx_int8 import subtract_biases, take_unsigned_codes
from bokehflow.quantize.onnx_weights import quantize_weights, symmetric_int8
from tests.tolerances import FP32_EQUAL, HALF_PRECISION_REL, INT8_STEP_REL

RNG = np.random.default_rng(0)
LAYER = "network.blocks.0.scan.project.0/matmul_1"
RECURRENCE = "network.blocks.0.scan/mul_1"


def graph(nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray]) -> onnx.ModelProto:
    """x [2, 300] to y."""
    return helper.make_model(
        helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 300])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            [numpy_helper.from_array(value, name) for name, value in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )


def run(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return np.asarray(session.run(None, {"x": x})[0])


def quantizers(reader: onnx.NodeProto) -> onnx.ModelProto:
    """x through a quantizer and a reshape, then a layer and another reader."""
    weight = RNG.normal(size=(300, 4)).astype(np.float32)
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale"], ["codes"], "q"),
        helper.make_node("DequantizeLinear", ["codes", "scale"], ["steps"], "dq"),
        helper.make_node("Transpose", ["steps"], ["turned"], "t", perm=[0, 1]),
        helper.make_node("MatMul", ["turned", "weight"], ["product"], LAYER),
        reader,
    ]
    return graph(nodes, {"scale": np.float32(0.1), "weight": weight})


def test_a_quantizer_may_enter_a_layer() -> None:
    safe = helper.make_node("Relu", ["product"], ["y"], RECURRENCE)
    assert check_quantizers(quantizers(safe)) == [LAYER]


def test_unsigned_codes_are_the_same_values_in_integer_products(tmp_path: Path) -> None:
    """One quantizer, two layers: ONNX Runtime multiplies signed codes of such in float."""
    constants = {
        "scale": np.float32(0.02),
        "zero": np.int8(-7),
        "left": RNG.integers(-64, 64, (300, 4)).astype(np.int8),
        "right": RNG.integers(-64, 64, (300, 4)).astype(np.int8),
        "steps_of_weights": RNG.uniform(0.01, 0.02, 4).astype(np.float32),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["codes"], "q"),
        helper.make_node("DequantizeLinear", ["codes", "scale", "zero"], ["steps"], "dq"),
        *(
            node
            for side in ("left", "right")
            for node in (
                helper.make_node(
                    "DequantizeLinear", [side, "steps_of_weights"], [f"{side}.w"], side, axis=1
                ),
                helper.make_node("MatMul", ["steps", f"{side}.w"], [f"{side}.y"], f"{side}.layer"),
            )
        ),
        helper.make_node("Sub", ["left.y", "right.y"], ["y"], RECURRENCE),
    ]
    signed = graph(nodes, constants)
    unsigned = copied(signed)
    take_unsigned_codes(unsigned)
    x = RNG.normal(size=(2, 300)).astype(np.float32)
    np.testing.assert_allclose(run(unsigned, x), run(signed, x), rtol=FP32_EQUAL, atol=FP32_EQUAL)
    assert products(unsigned, tmp_path) == ["MatMulIntegerToFloat"] * 2


@pytest.mark.parametrize("bias_first", [False, True])
def test_a_bias_leaves_a_product_in_8_bits(tmp_path: Path, bias_first: bool) -> None:
    """Which ONNX Runtime takes with its bias for one operation in float."""
    constants = {
        "scale": np.float32(0.02),
        "zero": np.uint8(121),
        "codes_of_weights": RNG.integers(-64, 64, (300, 4)).astype(np.int8),
        "steps_of_weights": RNG.uniform(0.01, 0.02, 4).astype(np.float32),
        "bias": RNG.normal(size=4).astype(np.float32),
    }
    weights = ["codes_of_weights", "steps_of_weights"]
    terms = ["bias", "product"] if bias_first else ["product", "bias"]
    added = graph(
        [
            helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["codes"], "q"),
            helper.make_node("DequantizeLinear", ["codes", "scale", "zero"], ["steps"], "dq"),
            helper.make_node("DequantizeLinear", weights, ["weights"], "dw", axis=1),
            helper.make_node("MatMul", ["steps", "weights"], ["product"], LAYER),
            helper.make_node("Add", terms, ["y"], f"{LAYER}/bias"),
        ],
        constants,
    )
    subtracted = copied(added)
    subtract_biases(subtracted)
    x = RNG.normal(size=(2, 300)).astype(np.float32)
    np.testing.assert_allclose(run(subtracted, x), run(added, x), rtol=FP32_EQUAL, atol=FP32_EQUAL)
    assert products(subtracted, tmp_path) == ["MatMulIntegerToFloat"]


def test_a_bias_in_float_is_added() -> None:
    constants = {"w": np.ones((300, 4), np.float32), "bias": np.ones(4, np.float32)}
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["product"], LAYER),
        helper.make_node("Add", ["product", "bias"], ["y"], f"{LAYER}/bias"),
    ]
    model = graph(nodes, constants)
    before = model.SerializeToString()
    subtract_biases(model)
    assert model.SerializeToString() == before


def products(model: onnx.ModelProto, folder: Path) -> list[str]:
    """The products that ONNX Runtime makes of a model's."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(folder / "optimized.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(model.SerializeToString(), options)
    nodes = onnx.load(options.optimized_model_filepath).graph.node
    return [node.op_type for node in nodes if "MatMul" in node.op_type]


def test_a_quantizer_in_the_recurrence_fails_the_run() -> None:
    unsafe = helper.make_node("Mul", ["turned", "turned"], ["y"], RECURRENCE)
    with pytest.raises(CheckError, match=r"blocks\.0\.scan/mul_1"):
        check_quantizers(quantizers(unsafe))


@pytest.mark.parametrize("shape", [(7, 5), (2, 4, 9, 6)], ids=["matrix", "stack"])
def test_weights_come_back_within_half_a_step(shape: tuple[int, ...]) -> None:
    weight = RNG.normal(size=shape).astype(np.float32)
    weight[..., -1] = 0.0
    codes, scale = symmetric_int8(weight, (len(shape) - 2,))
    assert codes.dtype == np.int8
    assert (np.abs(codes * scale - weight) <= 0.5 * scale * (1.0 + INT8_STEP_REL)).all()


def test_8_bit_weights_stay_near_and_leave_other_layers_alone() -> None:
    weight = RNG.normal(size=(300, 4)).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["x", "a"], ["h"], LAYER),
        helper.make_node("MatMul", ["h", "b"], ["y"], "network.blocks.0.scan.gates/matmul_1"),
    ]
    gates = RNG.normal(size=(4, 4)).astype(np.float32)
    model = graph(nodes, {"a": weight, "b": gates})
    x = RNG.normal(size=(2, 300)).astype(np.float32)
    expected = run(model, x)
    assert quantize_weights(model) == [LAYER]
    error = np.linalg.norm(run(model, x) - expected) / np.linalg.norm(expected)
    assert 0.0 < error < INT8_STEP_REL


def test_compaction_keeps_the_values() -> None:
    order = np.arange(300).reshape(20, 15).T.reshape(-1)[::-1].astype(np.int64)
    weight = RNG.normal(size=(300, 6)).astype(np.float32)
    nodes = [
        helper.make_node("Gather", ["x", "order"], ["turned"], "network.a/gather_1", axis=1),
        helper.make_node("Add", ["turned", "ones"], ["more"], "renderer/add_1"),
        helper.make_node("MatMul", ["more", "weight"], ["y"], "network.a/matmul_1"),
    ]
    constants = {"order": order, "ones": np.ones((2, 300), np.float32), "weight": weight}
    model = graph(nodes, constants)
    x = RNG.normal(size=(2, 300)).astype(np.float32)
    expected, before = run(model, x), model.ByteSize()
    compact(model)
    assert model.ByteSize() < before / 1.8
    difference = np.abs(run(model, x) - expected).max() / np.abs(expected).max()
    assert difference < HALF_PRECISION_REL


def test_compaction_tells_zeros_of_either_sign_apart() -> None:
    zeros = np.where(np.arange(600).reshape(2, 300) % 2, -0.0, 0.0).astype(np.float32)
    node = helper.make_node("Mul", ["x", "zeros"], ["y"], "network.a/mul_1")
    model = graph([node], {"zeros": zeros})
    compact(model)
    found = run(model, np.ones((2, 300), np.float32))
    assert np.array_equal(np.signbit(found), np.signbit(zeros))


def test_zero_columns_of_codes_are_not_stored() -> None:
    codes = RNG.integers(1, 100, (300, 32)).astype(np.int8)
    codes[:, 16:] = 0
    nodes = [
        helper.make_node("Cast", ["codes"], ["weight"], "network.a/cast", to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["x", "weight"], ["y"], "network.a/matmul_1"),
    ]
    model = graph(nodes, {"codes": codes})
    x = RNG.normal(size=(2, 300)).astype(np.float32)
    expected, before = run(model, x), model.ByteSize()
    compact(model)
    assert model.ByteSize() < 0.6 * before
    assert np.array_equal(run(model, x), expected)
