"""From a profiler's names to the stages of a frame."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from bokehflow.benchmarks.latency.scopes import file_scopes, scope_in, scopes_of
from bokehflow.benchmarks.latency.stages import STAGES, stage_milliseconds, stage_of


@pytest.mark.parametrize(
    ("scope", "stage"),
    [
        ("network.stem.first", "encoder"),
        ("network.depth_blocks.3.scan", "scans"),
        ("network.blocks.0.scan.project.1", "encoder"),
        ("network.blocks.0.scan.forget.0", "encoder"),
        ("network.bokeh_blocks.0.scan.gates", "encoder"),
        ("network.bokeh_blocks.0.scan.fuse.norm", "encoder"),
        ("network.depth_blocks.5.local.depthwise", "encoder"),
        ("network.refine.second", "renderer"),
        ("shrink", "encoder"),
        ("upsample", "depth upsampling"),
        ("renderer.blur", "renderer"),
        ("pipeline", "renderer"),
        ("", "not attributed"),
    ],
)
def test_a_module_belongs_to_one_stage(scope: str, stage: str) -> None:
    assert stage_of(scope) == stage


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("network.depth_blocks.0.scan/matmul_4", "network.depth_blocks.0.scan"),
        ("fused network.propagate.keep/sigmoid_1", "network.propagate.keep"),
        ("node_Split_9_abcd_acdb_renderer.blur/concat_3", "renderer.blur"),
        ("conv2d_3_nchwc", None),
    ],
)
def test_the_module_is_read_from_a_name(name: str, scope: str | None) -> None:
    assert scope_in(name) == scope


def test_nodes_without_a_module_take_that_of_what_they_read(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["conv2d_3"], name="network.stem/relu_1"),
        helper.make_node("Neg", ["conv2d_3"], ["y"], name="node_Neg_7"),
    ]
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph(nodes, "graph", value[:1], value[1:])
    path = tmp_path / "graph.onnx"
    onnx.save(helper.make_model(graph), path)
    times = {"conv2d_3_nchwc": 1.0, "node_Neg_7": 2.0, "renderer/add": 4.0, "nobody": 8.0}
    assert scopes_of(times, file_scopes(path)) == {"network.stem": 3.0, "renderer": 4.0, "": 8.0}


def test_every_stage_is_named_and_nothing_is_lost() -> None:
    found = stage_milliseconds({"network.stem": 1.0, "network.x.scan": 2.0, "": 4.0})
    assert tuple(found) == STAGES
    assert sum(found.values()) == 7.0
