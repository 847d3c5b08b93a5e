"""Engines send nothing of what they are used for, and leave nothing in the user's home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bokehflow.export import Artifact

OPENS = """
import sys
from pathlib import Path
from bokehflow.runtimes import open_session
from bokehflow.export import load_artifact
for path in sys.argv[1:]:
    open_session(load_artifact(Path(path)))
"""
QUANTIZES = """
from bokehflow.quantize.nncf_access import quiet_nncf
with quiet_nncf():
    from nncf.telemetry.wrapper import telemetry
print(type(telemetry).__module__)
"""


def _files_at_home(home: Path, *command: object) -> tuple[list[str], str]:
    """What a command leaves in an empty home, and what it says."""
    told = ("XDG_", "ORT_", "PYTEST_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(told)}
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        env=environment | {"HOME": str(home), "TMPDIR": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    left = [str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()]
    return left, done.stdout


def test_sessions_leave_nothing_at_home(artifacts: dict[str, Artifact], tmp_path: Path) -> None:
    paths = [artifacts[target].path for target in ("onnx", "openvino")]
    assert _files_at_home(tmp_path, "-c", OPENS, *paths)[0] == []


@pytest.mark.parametrize("target", ["onnx", "openvino"])
def test_a_benchmark_leaves_nothing_at_home(
    artifacts: dict[str, Artifact], tmp_path: Path, target: str
) -> None:
    quick = ("--iterations", "1", "--warmup", "0", "--threads", "1", "--no-stages")
    command = ("-m", "bokehflow.cli.main", "benchmark", artifacts[target].path, *quick)
    assert _files_at_home(tmp_path, *command)[0] == []


def test_the_doctor_leaves_nothing_at_home(tmp_path: Path) -> None:
    assert _files_at_home(tmp_path, "-m", "bokehflow.cli.main", "doctor")[0] == []


def test_quantization_has_nobody_to_tell(tmp_path: Path) -> None:
    left, said = _files_at_home(tmp_path, "-c", QUANTIZES)
    assert (left, said.strip()) == ([], "unittest.mock")
