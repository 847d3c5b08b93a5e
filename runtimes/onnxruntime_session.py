"""ONNX Runtime: an .onnx file on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bokehflow.engines.onnxruntime_access import import_onnxruntime, model_given
from bokehflow.engines.reason import reason_of
from bokehflow.errors import ArtifactError
from bokehflow.runtimes.feeds import checked_feeds
from bokehflow.runtimes.session import SessionInfo

_PROVIDER = "CPUExecutionProvider"
"""In every build, and in the single precision by which parity is judged."""


class OnnxRuntimeSession:
    """A loaded .onnx file."""

    def __init__(self, path: Path) -> None:
        """Raises ArtifactError for a file that ONNX Runtime cannot load, and MissingDependencyError
        without ONNX Runtime."""
        onnxruntime = import_onnxruntime("running an ONNX file")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Both hold memory for tensors to come and save no time: a block planned for all that is
        # alive at once, and buffers kept back for later tensors of the same shape. At 1080p that is
        # three times what is needed.
        options.enable_mem_pattern = False
        options.enable_mem_reuse = False
        try:
            self._session = onnxruntime.InferenceSession(model_given(path), options, [_PROVIDER])
        # Its exceptions have no common base below Exception.
        except Exception as error:
            raise ArtifactError(
                f"ONNX Runtime cannot load {path} ({reason_of(error)})", remedy="export it again"
            ) from error
        shapes = {value.name: tuple(value.shape) for value in self._session.get_inputs()}
        self.info = SessionInfo(
            runtime="onnxruntime",
            version=onnxruntime.__version__,
            device=_PROVIDER,
            mode="executed",
            input_shapes=shapes,
            output_names=tuple(value.name for value in self._session.get_outputs()),
        )

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Every output by name. Raises UsageError or SizeError for feeds that do not fit."""
        arrays = self._session.run(None, checked_feeds(feeds, self.info.input_shapes))
        return dict(zip(self.info.output_names, arrays, strict=True))
