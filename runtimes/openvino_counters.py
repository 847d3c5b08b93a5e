"""OpenVINO's own counters: what each node of a compiled model took, and which kernel ran it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bokehflow.runtimes.feeds import checked_feeds
from bokehflow.runtimes.openvino_session import OpenVinoSession


@dataclass(frozen=True, slots=True)
class ExecutedNode:
    """One node of one frame. kind: the operation. kernel: as OpenVINO writes it, `jit_gemm_I8`.

    origins: the file's nodes that went into it. after: for what the compiler put in, the file's
    nodes that it reads from; empty for others.
    """

    name: str
    kind: str
    kernel: str
    origins: tuple[str, ...]
    milliseconds: float
    after: tuple[str, ...] = ()


class CountingOpenVinoSession(OpenVinoSession):
    """A model that counts while it runs, which takes time of its own."""

    def __init__(self, path: Path) -> None:
        """Raises what OpenVinoSession raises."""
        super().__init__(path, counters=True)
        self._request = self._model.create_infer_request()
        runtime_model = self._model.get_runtime_model()
        self._origins = _origins(runtime_model)
        self._after = _after(runtime_model, self._origins)

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Every output by name. Raises UsageError or SizeError for feeds that do not fit."""
        results = self._request.infer(checked_feeds(feeds, self.info.input_shapes))
        return {name: np.array(results[name]) for name in self.info.output_names}

    def nodes(self) -> list[ExecutedNode]:
        """What the last frame took, node by node; what took no time is left out."""
        found = []
        for node in self._request.profiling_info:
            name, milliseconds = node.node_name, node.real_time.total_seconds() * 1e3
            if milliseconds > 0.0:
                origins, after = self._origins.get(name, ()), self._after.get(name, ())
                found.append(
                    ExecutedNode(name, node.node_type, node.exec_type, origins, milliseconds, after)
                )
        return found


def _origins(runtime_model: Any) -> dict[str, tuple[str, ...]]:
    found = {}
    for node in runtime_model.get_ops():
        names = str(node.get_rt_info()["originalLayersNames"].value).split(",")
        found[node.get_friendly_name()] = tuple(name for name in names if name)
    return found


def _after(
    runtime_model: Any, origins: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Origins of what is read by nodes that have no origin named after a module."""
    found: dict[str, tuple[str, ...]] = {}
    for node in runtime_model.get_ordered_ops():
        name = node.get_friendly_name()
        if not any("/" in origin for origin in origins[name]):
            makers = [value.get_node().get_friendly_name() for value in node.input_values()]
            read = (found.get(maker) or origins[maker] for maker in makers)
            found[name] = next((names for names in read if names), ())
    return found
