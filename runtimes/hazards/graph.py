"""One plain picture of a graph for all formats: what the hazard rules look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SCAN_LOOP = "scanloop"
"""The kind of a loop in an OpenVINO model that is one of our scans; others are of kind `loop`."""


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor that a node writes. shape: a None is an axis without a fixed length; None instead
    of a shape is one of unknown rank. dtype: as NumPy calls it."""

    name: str
    shape: tuple[int | None, ...] | None
    dtype: str


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operation. kind: lower case, without underscores, so that formats agree on the common
    ones. reads: names of the tensors that it is given; constants: the values of its other inputs.
    domain: whose operator it is where its format does not define it, as in ONNX those of other
    domains."""

    name: str
    kind: str
    reads: tuple[str, ...]
    constants: tuple[NDArray[np.generic], ...]
    writes: tuple[Value, ...]
    domain: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Nodes in the order of their evaluation. target: as in `export.TARGETS`. inputs: what whoever
    runs it gives."""

    target: str
    nodes: tuple[Node, ...]
    inputs: tuple[Value, ...] = ()


def canonical(kind: str) -> str:
    """`LayerNormalization`, `layer_norm`... in one spelling."""
    return kind.replace("_", "").lower()
