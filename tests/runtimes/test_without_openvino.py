"""Without OpenVINO, the error says what needs it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bokehflow.errors import MissingDependencyError
from bokehflow.runtimes.hazards.read_openvino import read_openvino
from bokehflow.runtimes.openvino_session import OpenVinoSession


@pytest.mark.parametrize(
    ("use", "purpose"),
    [(OpenVinoSession, "running an OpenVINO model"), (read_openvino, "reading an OpenVINO model")],
    ids=["session", "hazards"],
)
def test_the_purpose_is_told(
    use: Callable[[Path], Any], purpose: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingDependencyError, match=f"^{purpose} needs the package 'openvino'"):
        use(tmp_path)
