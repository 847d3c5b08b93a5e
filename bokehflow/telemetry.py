"""Nothing that runs here tells anybody: packages that would report their use are kept from it.

ONNX Runtime, and OpenVINO and NNCF by way of their package `openvino-telemetry`, send what they are
used for and write an identifier into the user's home. Ray sends nothing when a program starts it.
"""

from __future__ import annotations

import os
import sys


def send_nothing() -> None:
    """To be called before any of them is imported. What the user set in the environment stays."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    # A sender that cannot be imported is none.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
