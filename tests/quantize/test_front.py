"""Cutting a graph behind its layers, and putting the rest back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openvino

from bokehflow.export import Artifact
from bokehflow.quantize import onnx_front, onnx_graph, openvino_front, openvino_graph
from bokehflow.quantize.format import Format
from bokehflow.quantize.onnx_format import OnnxFormat
from bokehflow.quantize.openvino_format import OpenVinoFormat


def results(form: Format[Any], model: Any, folder: Path) -> dict[str, np.ndarray]:
    """What a model makes of one frame with a state carried into it."""
    folder.mkdir()
    session, rng = form.open(model, folder), np.random.default_rng(0)
    feeds = {
        name: rng.uniform(0.1, 0.9, shape).astype(np.float32)
        for name, shape in session.info.input_shapes.items()
    }
    lens = np.array([[50.0, 1.8, 1.5, 36.0]], np.float32)
    return session.run(feeds | {"lens": lens})


def test_an_onnx_graph_comes_back_whole(artifacts: dict[str, Artifact], tmp_path: Path) -> None:
    form, path = OnnxFormat(), artifacts["onnx"].path
    whole = form.read(path)
    front = onnx_front.front_of(whole)
    assert list(onnx_graph.layers_of(front)) == list(onnx_graph.layers_of(whole))
    assert len(front.graph.node) < 0.6 * len(whole.graph.node)
    back = onnx_front.with_rest(front, whole)
    assert len(back.graph.node) == len(whole.graph.node)
    expected, found = (
        results(form, model, tmp_path / name) for model, name in ((whole, "whole"), (back, "back"))
    )
    assert all(np.array_equal(expected[name], found[name]) for name in expected)


def test_an_openvino_model_comes_back_whole(artifacts: dict[str, Artifact], tmp_path: Path) -> None:
    form, path = OpenVinoFormat(), artifacts["openvino"].path
    whole = form.read(path)
    assert {op.get_pad_mode() for op in whole.get_ops() if op.get_type_name() == "Pad"} == {"edge"}
    front = openvino_front.front_of(whole, openvino)
    assert set(openvino_graph.layers_of(front)) == set(openvino_graph.layers_of(whole))
    assert len(front.get_ops()) < 0.7 * len(whole.get_ops())
    back = openvino_front.with_rest(front, whole, openvino)
    assert len(back.get_ops()) == len(whole.get_ops())
    expected, found = (
        results(form, model, tmp_path / name) for model, name in ((whole, "whole"), (back, "back"))
    )
    assert set(found) == set(expected)
    assert all(np.array_equal(expected[name], found[name]) for name in expected)
