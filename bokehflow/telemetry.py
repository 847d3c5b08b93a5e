"""Nothing that runs here tells anybody: packages that would report their use are kept from it.

ONNX Runtime, Ray, and OpenVINO and NNCF by way of their package `openvino-telemetry`, send what
they are used for, and most write an identifier into the user's home.
"""

from __future__ import annotations

import os
import sys


def send_nothing() -> None:
    """To be called before any of them is imported. What the user set in the environment stays."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # A sender that cannot be imported is none.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
