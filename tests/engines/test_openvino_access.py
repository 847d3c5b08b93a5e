"""Models of OpenVINO come and go, and signals still find their handlers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SESSION, ENGINE = "OpenVinoSession(folder)", "OpenVinoEngine(Load(folder, folder, 1, {}))"
OPENED = {
    "sessions": (SESSION, SESSION),
    "engines": (ENGINE, ENGINE),
    "one of each": (SESSION, ENGINE),
}
SCRIPT = """
import os, signal, sys
from pathlib import Path
import openvino
from bokehflow.benchmarks.latency.runner.engine import Load
from bokehflow.benchmarks.latency.runner.openvino_engine import OpenVinoEngine
from bokehflow.runtimes.openvino_session import OpenVinoSession

folder = Path(sys.argv[1])
given = openvino.opset13.parameter([1, 4], name="given")
double = openvino.opset13.add(given, given)
double.output(0).set_names({"double"})
openvino.save_model(openvino.Model([double], [given]), folder / "model.xml")
opened = [OPENED]
while opened:
    del opened[0]  # the older one first
for number in (signal.SIGINT, signal.SIGCHLD):
    signal.signal(number, lambda number, _: print(signal.Signals(number).name))
    os.kill(os.getpid(), number)
"""


@pytest.mark.parametrize("kind", OPENED)
def test_a_signal_is_handled_after_models_that_ended_in_the_order_they_came(
    kind: str, tmp_path: Path
) -> None:
    pytest.importorskip("openvino")
    script = SCRIPT.replace("OPENED", ", ".join(OPENED[kind]))
    command = [sys.executable, "-c", script, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout.split()) == (0, ["SIGINT", "SIGCHLD"]), ended.stderr
