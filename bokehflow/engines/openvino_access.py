"""OpenVINO, an optional dependency: imported on first use, and told plainly where it is missing."""

from __future__ import annotations

import functools
from typing import Any

from bokehflow.installed import imported


def import_openvino(purpose: str) -> Any:
    """The package `openvino`.

    purpose: what the caller wants it for, as the error message should say it.
    Raises MissingDependencyError where it is not installed.
    """
    return imported("openvino", "openvino", purpose)


def shared_core(purpose: str) -> Any:
    """The one `openvino.Core` that compiles in this process; it lives as long as the process.

    Its CPU plugin gives the thread an alternate signal stack, and takes back the one before when it
    ends. Two that end in the order in which they began leave a stack that is no more, and the next
    signal with a handler, a child's end or Ctrl-C, kills the process. Raises as `import_openvino`.
    """
    return _core(import_openvino(purpose))


@functools.cache
def _core(openvino: Any) -> Any:
    return openvino.Core()
