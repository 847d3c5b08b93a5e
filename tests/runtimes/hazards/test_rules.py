"""Every rule finds its hazard, and finds none in the twin of the graph that lacks it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bokehflow.runtimes.hazards import Graph, Node, Value
from bokehflow.runtimes.hazards.graph import SCAN_LOOP
from bokehflow.runtimes.hazards.rules import RULES, Hazard


def node(
    kind: str = "add",
    shape: tuple[int | None, ...] | None = (1, 4, 64, 64),
    dtype: str = "float32",
    reads: tuple[str, ...] = (),
    constant: object = None,
    domain: str = "",
    name: str = "here",
) -> Node:
    constants = () if constant is None else (np.asarray(constant, np.float32),)
    return Node(name, kind, reads, constants, (Value(name, shape, dtype),), domain)


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
    "sum of exponentials": (node("reducelogsumexp"), "warning"),
    "not a number": (node("clip", constant=np.nan), "error"),
    "beyond half precision": (node(constant=1e6), "warning"),
    "CPU only": (node("gather"), "warning"),
    "not standard": (node("linearattention", domain="com.microsoft"), "warning"),
    "short row": (node(shape=(1, 20, 1000, 4)), "note"),
}


SAME_RULE = {"sum of exponentials": "softplus range", "not a number": "not finite"}


@pytest.mark.parametrize("rule", FOUND)
def test_each_hazard_is_found_with_level_place_and_reason(rule: str) -> None:
    suspect, level = FOUND[rule]
    rule = SAME_RULE.get(rule, rule)
    found = [hazard for hazard in hazards(suspect) if hazard.rule == rule]
    assert [(hazard.level, hazard.where) for hazard in found] == [(level, "here")]
    assert found[0].reason


@pytest.mark.parametrize(
    "suspect",
    [node(constant=np.finfo(np.float32).min), node("clip", constant=[-1e5, 3e38])],
    ids=["the usual mask", "a clip with one open side"],
)
def test_what_becomes_infinite_in_half_precision_is_a_hazard(suspect: Node) -> None:
    suspect = dataclasses.replace(suspect, constants=tuple(np.atleast_1d(*suspect.constants)))
    assert [hazard.rule for hazard in hazards(suspect)] == ["beyond half precision"]


@pytest.mark.parametrize("kind", ["scatternd", "scatterndupdate", "scatteralongaxis"])
def test_an_operation_is_left_to_the_cpu_in_every_format(kind: str) -> None:
    assert [hazard.rule for hazard in hazards(node(kind))] == ["CPU only"]


def test_only_what_is_onnx_runtimes_is_called_so() -> None:
    (own,) = hazards(node("x", domain="com.microsoft"))
    (other,) = hazards(node("scaler", domain="ai.onnx.ml"))
    assert "ONNX Runtime's own" in own.reason
    assert other.reason == "scaler belongs to ai.onnx.ml, which few runtimes have"


@pytest.mark.parametrize(
    "innocent",
    {
        "five axes": node(shape=(1, 1, 2, 2, 64)),
        "longest axis": node(shape=(1, 16_384, 64)),
        "largest half": node(constant=65_504.0),
        "open side of a clip": node("clip", constant=np.finfo(np.float32).max),
        "mask for half": node(constant=-4e4),
        "few short rows": node(shape=(1, 4)),
        "nothing at all": node(shape=(4, 0)),
    }.values(),
    ids=lambda each: f"{each.kind} {each.writes[0].shape}",
)
def test_what_is_just_within_the_limits_is_no_hazard(innocent: Node) -> None:
    assert hazards(innocent) == []


@pytest.mark.parametrize(("bound", "count"), [(10.0, 0), (11.0, 1), ([9.0, 10.0], 0), ([9, 11], 1)])
def test_softplus_is_fine_where_its_input_is_bounded(bound: object, count: int) -> None:
    clip = node("minimum", name="bounded", constant=bound)
    assert len(hazards(clip, node("softplus", reads=("bounded",)))) == count


@pytest.mark.parametrize("kind", ["sigmoid", "sigmoidhard", "reshape of a clip", "reshape"])
def test_softplus_of_what_cannot_be_large_is_fine(kind: str) -> None:
    clip = node("clip", name="clipped")
    clip = dataclasses.replace(clip, constants=(np.array(-9.0), np.array(9.0)))
    reads = ("clipped",) if "clip" in kind else ("x",)
    before = node(kind.split()[0], name="before", reads=reads)
    found = hazards(clip, before, node("softplus", reads=("before",)))
    assert [hazard.rule for hazard in found] == (["softplus range"] if kind == "reshape" else [])


def test_a_tensor_is_not_bounded_by_a_node_that_is_called_like_it() -> None:
    clip = Node("x", "clip", (), (np.array(-9.0), np.array(9.0)), (Value("y", (4,), "float32"),))
    assert [h.rule for h in hazards(clip, node("softplus", reads=("x",)))] == ["softplus range"]


def test_float32_among_float16_is_a_hazard_and_alone_is_not() -> None:
    halves = [node(dtype="float16", name=str(i)) for i in range(3)]
    assert [hazard.rule for hazard in hazards(*halves, node())] == ["single precision"]
    assert hazards(*halves, node("convert")) == []
    assert hazards(node(), node()) == []


def test_a_loop_is_an_error_but_for_a_scan_that_openvino_fuses() -> None:
    [fused] = hazards(node(SCAN_LOOP), target="openvino")
    assert fused.level == "warning"
    assert "not at fp16" in fused.reason
    for target in ("openvino", "onnx"):
        assert [hazard.level for hazard in hazards(node("loop"), target=target)] == ["error"]


@pytest.mark.parametrize(
    ("kind", "constant", "found"),
    [
        ("minimum", 3.4e38, []),
        ("minimum", -3.4e38, ["beyond half precision"]),
        ("maximum", -3.4e38, []),
        ("maximum", -np.inf, []),
        ("maximum", np.inf, ["not finite"]),
        ("minimum", np.inf, []),
        ("clip", -np.inf, []),
        ("maximum", 3.4e38, ["beyond half precision"]),
        ("minimum", 1e6, ["beyond half precision"]),
        ("add", -3.4e38, ["beyond half precision"]),
    ],
)
def test_a_bound_that_bounds_nothing_is_none(kind: str, constant: float, found: list[str]) -> None:
    assert [hazard.rule for hazard in hazards(node(kind, constant=constant))] == found


def test_what_engines_fold_as_they_read_leaves_no_accelerator() -> None:
    folded, read = node("gather", constant=[1.0]), node("gather", reads=("x",), constant=[1.0])
    assert [hazard.rule for hazard in hazards(folded)] == []
    assert [hazard.rule for hazard in hazards(read)] == ["CPU only"]
