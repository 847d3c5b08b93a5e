"""The one door to ONNX Runtime in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bokehflow.installed import imported
from bokehflow.path_text import is_text


def import_onnxruntime(purpose: str) -> Any:
    """The package `onnxruntime`.

    purpose: what the caller wants it for, as the error message should say it.
    Raises MissingDependencyError where it is not installed.
    """
    return imported("onnxruntime", None, purpose)


def model_given(path: Path) -> str | bytes:
    """A model as ONNX Runtime takes it: by its path, or as it is where the path is no text."""
    return str(path) if is_text(path) else path.read_bytes()
