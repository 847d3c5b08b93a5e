"""Runtimes that misbehave in a known way, for the process that the runner starts."""

from __future__ import annotations

from pathlib import Path

from bokehflow.benchmarks.latency.run import Subject
from bokehflow.specs import Size

CRASHES = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n"
KILLED = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"
LEAVES = "import os\nprint('no thank you', flush=True)\nos._exit(7)\n"
RAISES = "raise RuntimeError('bad\\nweather')\n"
SLEEPS = """
import os, pathlib, time
(pathlib.Path(__file__).parent / "pid").write_text(str(os.getpid()))
time.sleep(300)
"""
HIDDEN = "import sys\nsys.modules['onnxruntime'] = None\n"


def stand_in(folder: Path, source: str, module: str = "onnxruntime") -> Path:
    """Write a module for PYTHONPATH that takes the place of `module`; returns the folder."""
    folder.mkdir(exist_ok=True)
    (folder / f"{module}.py").write_text(source)
    return folder


def any_subject(folder: Path, size: int = 10) -> Subject:
    """A file of `size` bytes that calls itself an ONNX model, with a manifest nobody reads."""
    model = folder / "some.onnx"
    model.write_bytes(b"x" * size)
    (folder / "some.onnx.json").write_text("{}")
    return Subject(model, "onnxruntime", Size(12, 20), {})
