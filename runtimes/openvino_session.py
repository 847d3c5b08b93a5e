"""OpenVINO: a folder with model.xml and model.bin, on the CPU."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bokehflow.engines.openvino_access import import_openvino, shared_core
from bokehflow.engines.reason import reason_of_openvino
from bokehflow.errors import ArtifactError
from bokehflow.export.compiled import LOOPS, operators_of
from bokehflow.export.openvino_file import MODEL_FILE
from bokehflow.runtimes.feeds import checked_feeds
from bokehflow.runtimes.session import SessionInfo

_PURPOSE = "running an OpenVINO model"
_DEVICE = "CPU"
_PRECISION_HINT = "f32"
"""Stated because some CPUs compute in bf16 unless told otherwise."""


class CompiledSession:
    """A model that OpenVINO has compiled."""

    def __init__(self, compiled: Any) -> None:
        self._model, self._one_at_a_time = compiled, threading.Lock()
        self.info = SessionInfo(
            runtime="openvino",
            version=_version(),
            device=_DEVICE,
            mode="executed",
            # A compiled model's ports may bear the names of what was fused into them.
            input_shapes={port.any_name: tuple(port.shape) for port in compiled.inputs},
            output_names=tuple(port.any_name for port in compiled.outputs),
        )

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Every output by name. Raises UsageError or SizeError for feeds that do not fit."""
        checked = checked_feeds(feeds, self.info.input_shapes)
        with self._one_at_a_time:  # a compiled model has one request of its own
            results = self._model(list(checked.values()), share_inputs=True)
        return {name: np.asarray(results[i]) for i, name in enumerate(self.info.output_names)}


class OpenVinoSession(CompiledSession):
    """A loaded OpenVINO model."""

    def __init__(self, path: Path, *, counters: bool = False) -> None:
        """counters: whether each node is timed while it runs.

        Raises ArtifactError for a folder that OpenVINO cannot load or whose scans it does not fuse,
        and MissingDependencyError without OpenVINO.
        """
        core = shared_core(_PURPOSE)
        settings = {"INFERENCE_PRECISION_HINT": _PRECISION_HINT, "PERF_COUNT": counters}
        try:
            model = core.read_model(str(path / MODEL_FILE))
            compiled = core.compile_model(model, _DEVICE, settings)
            operators = operators_of(compiled)
            super().__init__(compiled)
        # A damaged byte may be in a name, which OpenVINO itself reads.
        except (RuntimeError, ValueError) as error:
            raise ArtifactError(
                f"OpenVINO cannot load {path} ({reason_of_openvino(error)})",
                remedy="export it again",
            ) from error
        if any(operators[name] for name in LOOPS):
            raise ArtifactError(
                f"this OpenVINO runs the scans of {path} as loops over tokens, far too slowly",
                "a version that fuses them, as the one that the manifest names",
                "export it again here, or with --scan chunked",
            )


def _version() -> str:
    return str(import_openvino(_PURPOSE).__version__).split("-")[0]
