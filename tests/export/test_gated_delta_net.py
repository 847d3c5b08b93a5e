"""LinearAttention becomes one fused node of OpenVINO, whichever way its heads lie."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from bokehflow.export import gated_delta_net
from bokehflow.export.lowering.linear_attention import CONTRIB_DOMAIN, LINEAR_ATTENTION
from bokehflow.scan import naive_gated_delta
from tests.tolerances import SCAN_FP32

openvino = pytest.importorskip("openvino")
COUNT, TOKENS, HEADS, KEYS, VALUES = 2, 37, 3, 16, 24


def attention() -> onnx.ModelProto:
    """One node of the contrib operator."""
    shapes = {
        "q": (COUNT, TOKENS, HEADS * KEYS),
        "k": (COUNT, TOKENS, HEADS * KEYS),
        "v": (COUNT, TOKENS, HEADS * VALUES),
        "state": (COUNT, HEADS, KEYS, VALUES),
        "log_decay": (COUNT, TOKENS, HEADS),
        "beta": (COUNT, TOKENS, HEADS),
    }
    node = helper.make_node(
        LINEAR_ATTENTION,
        list(shapes),
        ["o", "final"],
        domain=CONTRIB_DOMAIN,
        q_num_heads=HEADS,
        kv_num_heads=HEADS,
        update_rule="gated_delta",
        scale=1.0,
    )
    kind = TensorProto.FLOAT
    inputs = [helper.make_tensor_value_info(name, kind, shape) for name, shape in shapes.items()]
    outputs = [
        helper.make_tensor_value_info("o", kind, (COUNT, TOKENS, HEADS * VALUES)),
        helper.make_tensor_value_info("final", kind, shapes["state"]),
    ]
    graph = helper.make_graph([node], "scan", inputs, outputs)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(CONTRIB_DOMAIN, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


@pytest.mark.parametrize(
    ("largest", "sizes"),
    [
        pytest.param(gated_delta_net.LARGEST_APART, (COUNT * HEADS, TOKENS, 1, KEYS), id="apart"),
        pytest.param(0, (COUNT, TOKENS, HEADS, KEYS), id="together"),
    ],
)
def test_heads_apart_or_together_are_the_float64_recurrence(
    largest: int, sizes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gated_delta_net, "LARGEST_APART", largest)
    core = openvino.Core()
    core.add_extension(gated_delta_net.conversion_extension(openvino))
    model = core.read_model(io.BytesIO(attention().SerializeToString()))
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    nodes = compiled.get_runtime_model().get_ops()
    fused = [n for n in nodes if n.get_rt_info()["layerType"].astype(str) == "GatedDeltaNet"]
    assert [tuple(node.input(0).get_shape()) for node in fused] == [sizes]

    rng = np.random.default_rng(0)
    q, k = rng.standard_normal((2, COUNT, TOKENS, HEADS, KEYS))
    k /= np.linalg.norm(k, axis=-1, keepdims=True)
    v = rng.standard_normal((COUNT, TOKENS, HEADS, VALUES))
    state = rng.standard_normal((COUNT, HEADS, KEYS, VALUES))
    log_decay, beta = -rng.random((COUNT, TOKENS, HEADS)), rng.random((COUNT, TOKENS, HEADS))
    exact: list[Any] = [torch.from_numpy(x) for x in (q, k, v, log_decay, beta, state)]
    o, final = naive_gated_delta(*exact)
    flat = [x.reshape(COUNT, TOKENS, -1) for x in (q, k, v)]
    feeds = [x.astype(np.float32) for x in (*flat, state, log_decay, beta)]
    found = compiled(feeds)
    for mine, right in ((found[0], o.reshape(COUNT, TOKENS, -1)), (found[1], final)):
        error = torch.from_numpy(mine).double() - right
        assert float(error.norm() / right.norm()) < SCAN_FP32
