"""The part of the model that an executed node belongs to, by its kind, kernel and names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from bokehflow.benchmarks.latency import stages
from bokehflow.benchmarks.latency.scopes import scope_in
from bokehflow.benchmarks.latency.stages import stage_of
from bokehflow.runtimes.openvino_counters import ExecutedNode

EIGHT_BIT_PRODUCTS = "the products that 8 bits compute"
FLOAT_PRODUCTS = "the network's products left in float"
CONVERSIONS = "changes of precision and layout, and what is fused with them"
NETWORK = "the rest of the network"
SCANS, UPSAMPLING = "the scans", "the depth upsampling"
RENDERER, UNKNOWN = "the renderer", "what is not attributed"
PARTS = (
    EIGHT_BIT_PRODUCTS,
    FLOAT_PRODUCTS,
    CONVERSIONS,
    SCANS,
    NETWORK,
    UPSAMPLING,
    RENDERER,
    UNKNOWN,
)
"""In this order in the table. Products: matrix products and convolutions."""

_PART_OF_STAGE = {
    stages.ENCODER: NETWORK,
    stages.SCANS: SCANS,
    stages.UPSAMPLING: UPSAMPLING,
    stages.RENDERER: RENDERER,
    stages.UNKNOWN: UNKNOWN,
}
_FUSED_SCAN = "GatedDeltaNet"
_PRODUCTS = ("MatMul", "FullyConnected", "Convolution", "GroupConvolution")
_CONVERSIONS = frozenset({"Reorder", "Convert", "FakeQuantize"})
_EIGHT_BIT_KERNEL = re.compile(r"_[iu]8$", re.IGNORECASE)
_CHANGE_OF_PRECISION = re.compile(r"/fq_|^FakeQuantize|/Dequantization")
"""NNCF's names for the quantizers that it puts in, OpenVINO's for what it makes of them and for the
way back to float."""


@dataclass(frozen=True, slots=True)
class EightBits:
    """What 8 bits touch, by the file's node names: the layers that 8-bit kernels compute, and what
    is fused with a change of precision. The float32 twin has the same names, so that the same
    work is in the same part of both."""

    products: frozenset[str]
    fused: frozenset[str]


def eight_bits_of(nodes: Iterable[ExecutedNode], layers: Collection[str]) -> EightBits:
    """Of the nodes of a quantized model. layers: those that were quantized."""
    products: set[str] = set()
    fused: set[str] = set()
    for node in nodes:
        if _is_product(node):
            if _EIGHT_BIT_KERNEL.search(node.kernel):
                products |= {node.name, *node.origins} & set(layers)
        elif _changes_precision(node):
            fused |= {name for name in node.origins if "/" in name}
    changes = {name for name in fused if _CHANGE_OF_PRECISION.search(name)}
    return EightBits(frozenset(products), frozenset(fused - changes))


def milliseconds_by_part(
    nodes: Iterable[ExecutedNode], eight_bits: EightBits, known: Mapping[str, str]
) -> dict[str, float]:
    """Milliseconds by part, each part named. known: module path by the file's node names, for nodes
    whose own name has none."""
    totals = dict.fromkeys(PARTS, 0.0)
    for node in nodes:
        totals[part_of(node, eight_bits, known)] += node.milliseconds
    return totals


def part_of(node: ExecutedNode, eight_bits: EightBits, known: Mapping[str, str]) -> str:
    """The part of one node."""
    part = _PART_OF_STAGE[stage_of(_scope((*node.origins, node.name, *node.after), known))]
    if node.kind == _FUSED_SCAN:
        return SCANS
    if part in (RENDERER, UPSAMPLING):
        return part
    names = {node.name, *node.origins}
    if _is_product(node):
        return EIGHT_BIT_PRODUCTS if names & eight_bits.products else FLOAT_PRODUCTS
    if node.kind in _CONVERSIONS or _changes_precision(node) or names & eight_bits.fused:
        return CONVERSIONS
    return part


def _is_product(node: ExecutedNode) -> bool:
    return node.kind.startswith(_PRODUCTS)


def _changes_precision(node: ExecutedNode) -> bool:
    return any(_CHANGE_OF_PRECISION.search(name) for name in node.origins)


def _scope(names: Iterable[str], known: Mapping[str, str]) -> str:
    """The first module path that a name has or is known to have."""
    return next((s for name in names if (s := scope_in(name) or known.get(name))), "")
