"""Targets that take the same ONNX graph have it made once."""

from __future__ import annotations

import dataclasses

import onnx
import pytest

from bokehflow.export import ExportConfig
from bokehflow.export import graphs as graphs_module
from bokehflow.export.graphs import Graphs
from bokehflow.model import load_model
from bokehflow.specs import Size


def test_a_graph_is_kept_for_as_long_as_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs_module, "checked_onnx", lambda *_: onnx.ModelProto())
    graphs, size = Graphs(load_model("nano")), Size(96, 160)
    # What `auto` means depends on the processor; these two are one and the same graph.
    first = ExportConfig("onnx", size, size, scan="linear_attention")
    openvino = ExportConfig("openvino", size, size, precision="fp16", scan="gated_delta_net")
    last = graphs.onnx_graph(first)
    assert graphs.onnx_graph(openvino) is last
    for other in (
        dataclasses.replace(openvino, scan="chunked"),
        dataclasses.replace(first, network_size=Size(32, 48)),
        dataclasses.replace(first, frame_size=Size(192, 320)),
        first,
    ):
        made = graphs.onnx_graph(other)
        assert made is not last
        last = made
