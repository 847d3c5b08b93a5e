"""What `bokehflow.telemetry` does, which is not on every machine that measures."""

from __future__ import annotations

import os
import sys


def send_nothing() -> None:
    """Keep ONNX Runtime and OpenVINO, not imported yet, from telling anybody that they are used."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
