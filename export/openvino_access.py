"""The one door to OpenVINO, an optional dependency that is imported on first use."""

from __future__ import annotations

from typing import Any

from bokehflow.errors import MissingDependencyError


def import_openvino(purpose: str) -> Any:
    """The package `openvino`.

    purpose: what the caller wants it for, as the error message should say it.
    Raises MissingDependencyError where it is not installed.
    """
    try:
        import openvino
    except ModuleNotFoundError as error:
        raise MissingDependencyError("openvino", "openvino", purpose) from error
    return openvino
