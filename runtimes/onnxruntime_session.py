"""ONNX Runtime: an .onnx file on the CPU, or on the providers that are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bokehflow.errors import ArtifactError, MissingDependencyError, UsageError
from bokehflow.runtimes.feeds import checked_feeds
from bokehflow.runtimes.session import SessionInfo

CPU_PROVIDER = "CPUExecutionProvider"


class OnnxRuntimeSession:
    """A loaded .onnx file."""

    def __init__(
        self, path: Path, threads: int | None = None, providers: Sequence[str] = (CPU_PROVIDER,)
    ) -> None:
        """threads: for one operator; None leaves it to ONNX Runtime.

        Raises ArtifactError for a file that ONNX Runtime cannot load, UsageError for a provider
        that this build does not have, MissingDependencyError without ONNX Runtime.
        """
        try:
            import onnxruntime
        except ModuleNotFoundError as error:
            raise MissingDependencyError("onnxruntime", "", "running an ONNX file") from error
        missing = sorted(set(providers) - set(onnxruntime.get_available_providers()))
        if missing:
            raise UsageError(
                f"providers {missing} are not in this build of ONNX Runtime",
                "some of " + ", ".join(onnxruntime.get_available_providers()),
            )
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Both hold memory for tensors to come and save no time: a block planned for all that is
        # alive at once, and buffers kept back for later tensors of the same shape. At 1080p that is
        # three times what is needed.
        options.enable_mem_pattern = False
        options.enable_mem_reuse = False
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, list(providers))
        # Its exceptions have no common base below Exception.
        except Exception as error:
            raise ArtifactError(
                f"ONNX Runtime cannot load {path} ({error})", remedy="export it again"
            ) from error
        shapes = {value.name: tuple(value.shape) for value in self._session.get_inputs()}
        self.info = SessionInfo(
            runtime="onnxruntime",
            version=onnxruntime.__version__,
            device=",".join(providers),
            mode="executed",
            input_shapes=shapes,
            output_names=tuple(value.name for value in self._session.get_outputs()),
        )

    def run(self, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Every output by name. Raises UsageError or SizeError for feeds that do not fit."""
        arrays = self._session.run(None, checked_feeds(feeds, self.info.input_shapes))
        return dict(zip(self.info.output_names, arrays, strict=True))
