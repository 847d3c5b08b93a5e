"""Core ML, which runs on macOS only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .engine import Load


class CoreMLEngine:
    """A loaded .mlpackage."""

    def __init__(self, load: Load) -> None:
        import coremltools

        units = load.arguments.get("compute_units", "ALL")
        self._model: Any = coremltools.models.MLModel(
            str(load.model), compute_units=coremltools.ComputeUnit[units]
        )
        self.version, self.device = coremltools.__version__, units
        inputs = self._model.get_spec().description.input
        self.input_shapes = {v.name: tuple(v.type.multiArrayType.shape) for v in inputs}

    def put(self, array: np.ndarray) -> Any:
        return array

    def get(self, value: Any) -> np.ndarray:
        return np.asarray(value)

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self._model.predict(dict(feeds)))

    def device_peak_bytes(self) -> int | None:
        return None
