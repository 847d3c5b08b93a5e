"""Every rule finds its hazard, and finds none in the twin of the graph that lacks it."""

from __future__ import annotations

import numpy as np
import pytest

from bokehflow.runtimes.hazards import Graph, Node, Value
from bokehflow.runtimes.hazards.rules import RULES, Hazard


def node(
    kind: str = "add",
    shape: tuple[int | None, ...] | None = (1, 4, 64, 64),
    dtype: str = "float32",
    reads: tuple[str, ...] = (),
    constant: object = None,
    standard: bool = True,
    name: str = "here",
) -> Node:
    constants = () if constant is None else (np.asarray(constant, np.float32),)
    return Node(name, kind, reads, constants, (Value(name, shape, dtype),), standard)


def hazards(*nodes: Node, target: str = "coreml") -> list[Hazard]:
    return [hazard for rule in RULES for hazard in rule(Graph(target, nodes))]


FOUND = {
    "rank": (node(shape=(1, 1, 1, 2, 2, 64)), "error"),
    "dynamic shape": (node(shape=(1, None, 64)), "error"),
    "control flow": (node("whileloop"), "error"),
    "data-dependent size": (node("nonzero"), "error"),
    "not finite": (node(constant=[0.0, -np.inf]), "error"),
    "long axis": (node(shape=(1, 16_385, 64)), "warning"),
    "softplus range": (node("softplus"), "warning"),
    "beyond half precision": (node(constant=1e6), "warning"),
    "CPU only": (node("gather"), "warning"),
    "not standard": (node("linearattention", standard=False), "warning"),
    "short row": (node(shape=(1, 20, 1000, 4)), "note"),
}


@pytest.mark.parametrize("rule", FOUND)
def test_each_hazard_is_found_with_level_place_and_reason(rule: str) -> None:
    suspect, level = FOUND[rule]
    found = [hazard for hazard in hazards(suspect) if hazard.rule == rule]
    assert [(hazard.level, hazard.where) for hazard in found] == [(level, "here")]
    assert found[0].reason


@pytest.mark.parametrize(
    "innocent",
    {
        "five axes": node(shape=(1, 1, 2, 2, 64)),
        "longest axis": node(shape=(1, 16_384, 64)),
        "largest half": node(constant=65_504.0),
        "open side of a clip": node("clip", constant=np.finfo(np.float32).max),
        "mask for half": node(constant=-4e4),
        "few short rows": node(shape=(1, 4)),
    }.values(),
    ids=lambda each: f"{each.kind} {each.writes[0].shape}",
)
def test_what_is_just_within_the_limits_is_no_hazard(innocent: Node) -> None:
    assert hazards(innocent) == []


@pytest.mark.parametrize(("bound", "count"), [(10.0, 0), (11.0, 1)])
def test_softplus_is_fine_where_its_input_is_bounded(bound: float, count: int) -> None:
    clip = node("minimum", name="bounded", constant=bound)
    assert len(hazards(clip, node("softplus", reads=("bounded",)))) == count


def test_float32_among_float16_is_a_hazard_and_alone_is_not() -> None:
    halves = [node(dtype="float16", name=str(i)) for i in range(3)]
    assert [hazard.rule for hazard in hazards(*halves, node())] == ["single precision"]
    assert hazards(node(), node()) == []


def test_a_loop_that_openvino_fuses_is_a_warning_there_alone() -> None:
    [fused] = hazards(node("loop"), target="openvino")
    assert fused.level == "warning"
    assert "not at fp16" in fused.reason
    assert [hazard.level for hazard in hazards(node("loop"), target="onnx")] == ["error"]
