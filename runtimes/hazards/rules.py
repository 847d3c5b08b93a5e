"""The hazards themselves: each a rule over a graph, with its reason.

Levels. error: an accelerator refuses the graph, or its result is wrong there. warning: an operation
leaves the accelerator, or is right only for some inputs. note: it wastes time or memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from bokehflow.export import checks
from bokehflow.runtimes.hazards.graph import SCAN_LOOP, Graph, Node, Value, canonical

Level = Literal["error", "warning", "note"]
LEVELS: tuple[str, ...] = get_args(Level)

MAX_AXIS = 16_384
SOFTPLUS_LIMITS = {"softplus": 10.4, "softplusparametric": 10.4, "reducelogsumexp": 7.6}
"""Inputs above which the Neural Engine's are wrong."""
SMALLEST_ROW = 32
"""Elements that a row is padded to there."""
FLOAT16_MAX = 65_504.0
NO_BOUND = 1e38
"""From here on a constant of a clip says that a side is open."""
BOUNDED = ("sigmoid", "hardsigmoid", "sigmoidhard", "tanh", "relu6", "softmax", "sin", "cos")
MOST_OF_BOUNDED = 6.0
"""What none of these is above."""
MOVES = (
    "reshape", "transpose", "squeeze", "unsqueeze", "expanddims", "identity", "cast", "convert",
)  # fmt: skip
CASTS = ("cast", "convert")
CLIPS = ("clip", "clamp")
"""Their constants are the lower and the upper bound, infinite where a side is open."""
MINIMA, MAXIMA = ("minimum", "min"), ("maximum", "max")
CONTROL_FLOW = {canonical(kind) for kind in checks.CONTROL_FLOW} | {
    "tensoriterator", "whileloop", "cond",
}  # fmt: skip
"""As ONNX calls it, and OpenVINO and Core ML."""
CONTRIB_DOMAIN = "com.microsoft"
DATA_DEPENDENT = {canonical(kind) for kind in checks.DATA_DEPENDENT}
CPU_ONLY = frozenset(
    {"gather", "gatheralongaxis", "gathernd", "gatherelements", "scatter", "scatternd",
     "scatterndupdate", "scatterupdate", "scatterelements", "scatterelementsupdate",
     "scatteralongaxis", "cumsum", "topk", "argsort", "bandpart", "einsum"}
)  # fmt: skip
"""What Neural Engine and NPUs leave to the CPU or emulate, with a copy to and fro. Exports of ours
hold no topk at all: `export.checks`."""


@dataclass(frozen=True, slots=True)
class Hazard:
    """rule: its short name. where: the node. reason: why it is one."""

    level: Level
    rule: str
    where: str
    reason: str


Rule = Callable[[Graph], Iterator[Hazard]]


def too_many_axes(graph: Graph) -> Iterator[Hazard]:
    """More than five axes."""
    for node, value in _written(graph):
        if value.shape is not None and len(value.shape) > checks.MAX_RANK:
            reason = f"{len(value.shape)} axes; accelerators take at most {checks.MAX_RANK}"
            yield Hazard("error", "rank", node.name, reason)


def dynamic_shape(graph: Graph) -> Iterator[Hazard]:
    """A length, or a rank, that is only known at run time."""
    given = [(value.name, value) for value in graph.inputs]
    for where, value in (*given, *((node.name, value) for node, value in _written(graph))):
        if value.shape is None or None in value.shape:
            yield Hazard("error", "dynamic shape", where, "compilers there need fixed lengths")


def control_flow(graph: Graph) -> Iterator[Hazard]:
    """Loops and branches, and operations whose result's size depends on the data."""
    for node in graph.nodes:
        if node.kind in DATA_DEPENDENT:
            yield Hazard(
                "error", "data-dependent size", node.name, f"{node.kind} has no fixed size"
            )
        if node.kind == SCAN_LOOP:
            reason = (
                "OpenVINO's CPU plugin fuses it into GatedDeltaNet, but not at fp16; other devices "
                "may run it token by token: export for them with --scan chunked"
            )
            yield Hazard("warning", "control flow", node.name, reason)
        if node.kind in CONTROL_FLOW:
            yield Hazard("error", "control flow", node.name, "accelerators run no control flow")


def long_axis(graph: Graph) -> Iterator[Hazard]:
    """An axis longer than the Neural Engine can address."""
    for node, value in _written(graph):
        longest = max((length or 0 for length in value.shape or ()), default=0)
        if longest > MAX_AXIS:
            reason = f"an axis of {longest:,}; the Neural Engine stops at {MAX_AXIS:,}"
            yield Hazard("warning", "long axis", node.name, reason)


def short_row(graph: Graph) -> Iterator[Hazard]:
    """A large tensor whose last axis is so short that most of a row is padding."""
    for node, value in _written(graph):
        shape = value.shape or ()
        lengths = [length for length in shape if length]
        if len(shape) < 2 or len(lengths) < len(shape):  # one that is not known, or empty
            continue
        if lengths[-1] < SMALLEST_ROW and math.prod(lengths[:-1]) > MAX_AXIS:
            reason = f"rows of {lengths[-1]} are padded to {SMALLEST_ROW} on the Neural Engine"
            yield Hazard("note", "short row", node.name, reason)


def softplus_range(graph: Graph) -> Iterator[Hazard]:
    """softplus, or its like, of what is not bounded from above."""
    bounds: dict[str, float] = {}
    for node in graph.nodes:
        before = min((bounds[name] for name in node.reads if name in bounds), default=math.inf)
        after = min(_bound(node), before if _is_unchanged(node) else math.inf)
        bounds.update((value.name, after) for value in node.writes)
        limit = SOFTPLUS_LIMITS.get(node.kind, math.inf)
        if before > limit:
            reason = f"wrong above {limit} on the Neural Engine, and nothing keeps its input below"
            yield Hazard("warning", "softplus range", node.name, reason)


def _bound(node: Node) -> float:
    """What no value that the node gives is above: a clip's second constant, any of a minimum's."""
    if node.kind in BOUNDED:
        return MOST_OF_BOUNDED
    tops = [float(c.max()) for c in _floats(node) if c.size]
    if node.kind in CLIPS:
        return min(tops[1:], default=math.inf)
    return min(tops, default=math.inf) if node.kind in MINIMA else math.inf


def _is_unchanged(node: Node) -> bool:
    """Whether the node multiplies by 1, as torch's softplus does before and after, or moves values
    about."""
    by_one = [c.size == 1 and float(c.item()) == 1.0 for c in _floats(node)]
    return node.kind in MOVES or (node.kind in ("mul", "multiply") and by_one == [True])


def not_finite(graph: Graph) -> Iterator[Hazard]:
    """Infinity or NaN among the constants, but for an infinite bound, which bounds nothing."""
    for node in graph.nodes:
        unbounding = [c for c in _floats(node) if not _is_open(node, c)]
        if not all(np.isfinite(np.asarray(c, np.float64)).all() for c in unbounding):
            reason = "an infinite constant turns into NaN in half precision; a mask is -4e4 instead"
            yield Hazard("error", "not finite", node.name, reason)


def beyond_half(graph: Graph) -> Iterator[Hazard]:
    """A constant that half precision cannot hold."""
    for node in graph.nodes:
        sizes = [_largest(c) for c in _floats(node) if not _is_open(node, c)]
        largest = max(sizes, default=0.0)
        if largest > FLOAT16_MAX:
            reason = f"a constant of {largest:.3g} is infinite in half precision"
            yield Hazard("warning", "beyond half precision", node.name, reason)


def single_precision(graph: Graph) -> Iterator[Hazard]:
    """float32 in a graph that computes in float16 otherwise."""
    floats = [(node, value) for node, value in _written(graph) if value.dtype.startswith("float")]
    half = sum(value.dtype == "float16" for _, value in floats)
    if half * 2 < len(floats):
        return
    for node, value in floats:
        if value.dtype == "float32" and node.kind not in CASTS:
            reason = "computes in float32, which the Neural Engine has not"
            yield Hazard("warning", "single precision", node.name, reason)


def left_to_the_cpu(graph: Graph) -> Iterator[Hazard]:
    """Operations that accelerators have not."""
    for node in graph.nodes:
        if node.domain:
            reason = f"{node.kind} belongs to {node.domain}, which few runtimes have"
            if node.domain == CONTRIB_DOMAIN:
                reason = (
                    f"{node.kind} is ONNX Runtime's own: CPU, CUDA and WebGPU have it, others not"
                )
            yield Hazard("warning", "not standard", node.name, reason)
        elif node.kind in CPU_ONLY and not _is_folded(node):
            yield Hazard("warning", "CPU only", node.name, f"{node.kind} leaves the accelerator")


RULES: tuple[Rule, ...] = (
    too_many_axes,
    dynamic_shape,
    control_flow,
    not_finite,
    long_axis,
    softplus_range,
    beyond_half,
    single_precision,
    left_to_the_cpu,
    short_row,
)


def _is_folded(node: Node) -> bool:
    """Whether engines compute it once, when they read the graph: all that it has is constant."""
    return bool(node.constants) and not node.reads


def _written(graph: Graph) -> Iterator[tuple[Node, Value]]:
    for node in graph.nodes:
        for value in node.writes:
            yield node, value


def _floats(node: Node) -> list[NDArray[np.generic]]:
    return [c for c in node.constants if c.dtype.kind == "f"]


def _is_open(node: Node, bound: NDArray[np.generic]) -> bool:
    """Whether a constant says that a side is open, and does so in half precision too."""
    values = np.asarray(bound, np.float64)
    open_above, open_below = bool((values >= NO_BOUND).all()), bool((values <= -NO_BOUND).all())
    if node.kind in CLIPS:
        return open_above or open_below
    return (open_above and node.kind in MINIMA) or (open_below and node.kind in MAXIMA)


def _largest(constant: NDArray[np.generic]) -> float:
    finite = np.asarray(constant, np.float64)
    return float(np.abs(finite[np.isfinite(finite)]).max(initial=0.0))
