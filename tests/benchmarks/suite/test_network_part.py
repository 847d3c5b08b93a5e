"""The cut between the network and the renderer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
from onnx import TensorProto, helper

from bokehflow.benchmarks.suite.network_part import cut_onnx, cut_openvino
from tests.tolerances import FEW_OPERATIONS

NODES = (
    ("shrink/neg", "Neg", ["image"], "small"),
    ("network.stem/exp", "Exp", ["small"], "depth"),
    ("network/add", "Add", ["depth", "state"], "next_state"),
    ("lonely", "Neg", ["image"], "linear"),
    ("upsample/mul", "Mul", ["depth", "image"], "fine"),
    ("renderer/add", "Add", ["fine", "linear"], "blurred"),
    ("network.refine/add", "Add", ["blurred", "small"], "bokeh"),
)
"""Name, kind, inputs, output."""


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    nodes = [helper.make_node(kind, i, [o], name=name) for name, kind, i, o in NODES]
    inputs, outputs = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]) for name in names]
        for names in (("image", "state"), ("bokeh", "next_state"))
    )
    graph = helper.make_graph(nodes, "graph", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    path = tmp_path / "whole.onnx"
    onnx.save(model, path)
    return path


FEEDS = {"image": np.array([1.0, 2.0, 3.0], np.float32), "state": np.ones(3, np.float32)}
NEXT_STATE = np.exp(-FEEDS["image"]) + 1.0


def test_onnx_keeps_the_network_and_what_the_rest_reads_of_it(whole: Path, tmp_path: Path) -> None:
    cut_onnx(whole, tmp_path / "part.onnx")
    part = onnx.load(tmp_path / "part.onnx").graph
    assert [node.name for node in part.node] == ["shrink/neg", "network.stem/exp", "network/add"]
    assert {value.name for value in part.output} == {"depth", "next_state"}
    session = onnxruntime.InferenceSession(tmp_path / "part.onnx")
    (found,) = session.run(["next_state"], FEEDS)
    np.testing.assert_allclose(found, NEXT_STATE, rtol=FEW_OPERATIONS)


def test_openvino_keeps_the_same(whole: Path, tmp_path: Path) -> None:
    folder, part = tmp_path / "whole", tmp_path / "part"
    folder.mkdir()
    part.mkdir()
    openvino.save_model(openvino.Core().read_model(whole), folder / "model.xml",
                        compress_to_fp16=False)  # fmt: skip
    cut_openvino(folder, part)
    model = openvino.Core().compile_model(part / "model.xml", "CPU",
                                          {"INFERENCE_PRECISION_HINT": "f32"})  # fmt: skip
    names = {
        node.get_friendly_name()
        for node in openvino.Core().read_model(part / "model.xml").get_ops()
    }
    assert not any("renderer" in name or "upsample" in name for name in names)
    assert len(model.outputs) == 2
    np.testing.assert_allclose(model(FEEDS)["next_state"], NEXT_STATE, rtol=FEW_OPERATIONS)
