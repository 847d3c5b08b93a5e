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
REAL_TIME = "import os\nos.kill(os.getpid(), 40)\n"
SLOW_TO_REMOVE = """
import os, pathlib, time
def rmtree(path, ignore_errors):
    (pathlib.Path(__file__).parent / "removing").touch()
    time.sleep(1)
    for name in os.listdir(path):
        os.remove(f"{path}/{name}")
    os.rmdir(path)
"""
"""A `shutil` that takes its time."""

DOUBLES = """
__version__ = "0"
get_available_providers = lambda: ["CPUExecutionProvider"]

class SessionOptions:
    enable_profiling = False

class OrtValue:
    def __init__(self, array): self.array = array
    def numpy(self): return self.array
    ortvalue_from_numpy = classmethod(lambda kind, array, *where: kind(array))

class Port:
    def __init__(self, name): self.name, self.shape = name, [1]

class InferenceSession:
    def __init__(self, path, options, providers):
        if options.enable_profiling: raise RuntimeError("no clocks here")
    def get_providers(self): return get_available_providers()
    def get_inputs(self): return [Port("state")]
    def get_outputs(self): return [Port("next_state")]
    def io_binding(self): return Binding()
    def run_with_iobinding(self, binding):
        value = binding.state.array * 2 + 1
        if value[0] > 200: raise RuntimeError(f"the state was carried to {value[0]}")
        binding.outputs = [OrtValue(value)]

class Binding:
    def bind_ortvalue_input(self, name, value): self.state = value
    def bind_output(self, name, memory): pass
    def get_outputs(self): return self.outputs
"""
"""A runtime whose one output is twice its state and one more, and which has no profiler."""


def hidden(module: str) -> str:
    """A `sitecustomize` of a Python that lacks a module."""
    return f"import sys\nsys.modules[{module!r}] = None\n"


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
