"""OpenVINO: a folder with model.xml and model.bin, on the CPU or another device."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bokehflow.errors import ArtifactError
from bokehflow.export.compiled import LOOPS, operators_of
from bokehflow.export.openvino_access import import_openvino
from bokehflow.export.openvino_file import MODEL_FILE, reason_of
from bokehflow.runtimes.feeds import checked_feeds
from bokehflow.runtimes.session import SessionInfo

_PURPOSE = "running an OpenVINO model"


class CompiledSession:
    """A model that OpenVINO has compiled."""

    def __init__(self, compiled: Any, device: str = "CPU") -> None:
        self._model = compiled
        self.info = SessionInfo(
            runtime="openvino",
            version=_version(),
            device=device,
            mode="executed",
            # A compiled model's ports may bear the names of what was fused into them.
            input_shapes={port.any_name: tuple(port.shape) for port in compiled.inputs},
            output_names=tuple(port.any_name for port in compiled.outputs),
        )

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Every output by name. Raises UsageError or SizeError for feeds that do not fit."""
        checked = checked_feeds(feeds, self.info.input_shapes)
        results = self._model(list(checked.values()), share_inputs=True)
        return {name: np.asarray(results[i]) for i, name in enumerate(self.info.output_names)}


class OpenVinoSession(CompiledSession):
    """A loaded OpenVINO model."""

    def __init__(
        self,
        path: Path,
        threads: int | None = None,
        device: str = "CPU",
        precision_hint: str = "f32",
        counters: bool = False,
    ) -> None:
        """threads: None leaves it to OpenVINO. precision_hint: f32, bf16 or f16; some CPUs compute
        in bf16 unless told otherwise. counters: whether each node is timed while it runs.

        Raises ArtifactError for a folder that OpenVINO cannot load or whose scans it does not fuse,
        and MissingDependencyError without OpenVINO.
        """
        openvino = import_openvino(_PURPOSE)
        settings: dict[str, object] = {
            "INFERENCE_PRECISION_HINT": precision_hint,
            "PERF_COUNT": counters,
        }
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        try:
            core = openvino.Core()
            model = core.read_model(str(path / MODEL_FILE))
            compiled = core.compile_model(model, device, settings)
        except RuntimeError as error:
            raise ArtifactError(
                f"OpenVINO cannot load {path} ({reason_of(error)})",
                remedy="export it again",
            ) from error
        operators = operators_of(compiled)
        if any(operators[name] for name in LOOPS):
            raise ArtifactError(
                f"this OpenVINO runs the scans of {path} as loops over tokens, far too slowly",
                "a version that fuses them, as the one that the manifest names",
                "export it again here, or with --scan chunked",
            )
        super().__init__(compiled, device)


def _version() -> str:
    return str(import_openvino(_PURPOSE).__version__).split("-")[0]
