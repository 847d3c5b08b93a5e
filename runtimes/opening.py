"""From an artifact to a session of the engine that runs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bokehflow.errors import UsageError
from bokehflow.export.artifacts.artifact import Artifact
from bokehflow.export.artifacts.packing import named_as_given
from bokehflow.runtimes.coreml_session import CoreMLSession
from bokehflow.runtimes.onnxruntime_session import OnnxRuntimeSession
from bokehflow.runtimes.openvino_session import OpenVinoSession
from bokehflow.runtimes.session import Session

_ENGINES: dict[str, tuple[str, Callable[[Path], Session]]] = {
    "onnx": ("onnxruntime", OnnxRuntimeSession),
    "openvino": ("openvino", OpenVinoSession),
    "coreml": ("coreml", CoreMLSession),
}


def runtime_of(target: str) -> str:
    """The engine that runs artifacts of a target."""
    return _ENGINES[target][0]


def open_session(artifact: Artifact, runtime: str | None = None) -> Session:
    """Load an artifact in its engine, with that engine's defaults.

    runtime: the engine to use, or None for the artifact's own. Raises UsageError for an engine that
    does not run this format, and what the engine's session raises.
    """
    own, engine = _ENGINES[artifact.manifest.target]
    if runtime not in (None, own):
        raise UsageError(
            f"runtime {runtime!r} for an artifact of target {artifact.manifest.target}", own
        )
    with named_as_given(artifact.path, artifact.packed):
        return engine(artifact.path)
