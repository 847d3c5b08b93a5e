"""The fresh process: load one model, feed it frames with the state carried, write what it took.

FOLDER holds job.json, frames.npy, the model and its manifest. Phase `times` writes times.json:
load, first frame, every timed frame, peaks of memory. Phase `stages` writes stages.json:
milliseconds by node from the runtime's own profiler, whose clocks cost time, hence apart.
"""

from __future__ import annotations

import importlib
import json
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .engine import Engine, Load
from .engines import ENGINES, PROFILERS
from .host import peak_memory_bytes
from .requirements import imported_modules
from .telemetry import send_nothing

Job = Mapping[str, Any]


def measure(folder: Path, phase: str) -> int:
    """Do one phase and write its file, with `error` in it if it failed. Returns an exit code."""
    send_nothing()
    try:
        job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        found, code = PHASES[phase](job, folder), 0
    except Exception as error:
        traceback.print_exc()
        said = " ".join(str(error).split())
        found, code = {"error": f"{type(error).__name__}: {said}"}, 1
    (folder / f"{phase}.json").write_text(json.dumps(found), encoding="utf-8")
    return code


def _times(job: Job, folder: Path) -> dict[str, Any]:
    frames, load = _frames(folder), _load(job, folder)
    # What importing takes, in time and memory, is not the model's.
    for name in imported_modules(job["runtime"], job["arguments"]):
        importlib.import_module(name)
    before_model = peak_memory_bytes()
    load_ms, engine = _timed(lambda: ENGINES[job["runtime"]](load))
    feeds = _carried(engine, job, frames)
    first_ms = next(feeds)
    for _ in range(job["warmup"]):
        next(feeds)
    frame_ms = [next(feeds) for _ in range(job["iterations"])]
    return {
        "version": engine.version,
        "device": engine.device,
        "load_ms": load_ms,
        "first_ms": first_ms,
        "frame_ms": frame_ms,
        "memory": _memory(before_model, engine.device_peak_bytes()),
    }


def _stages(job: Job, folder: Path) -> dict[str, Any]:
    if job["runtime"] not in PROFILERS:
        raise ValueError(f"{job['runtime']} does not tell the times of its nodes")
    profiler = PROFILERS[job["runtime"]](_load(job, folder))
    skip = min(2, job["profile"] - 1)
    feeds = _carried(profiler.engine, job, _frames(folder))
    for _ in range(job["profile"]):
        next(feeds)
    return {"frames": job["profile"] - skip, "node_ms": profiler.nodes(skip)}


PHASES: dict[str, Callable[[Job, Path], dict[str, Any]]] = {"times": _times, "stages": _stages}


def _load(job: Job, folder: Path) -> Load:
    model, manifest = folder / job["model"], folder / job["manifest"]
    return Load(model, manifest, job["threads"], job["arguments"])


def _frames(folder: Path) -> list[np.ndarray]:
    """[1, 3, H, W], 0..1, from the 8-bit pictures [N, H, W, 3] that were sent."""
    pictures = np.load(folder / "frames.npy")
    count, height, width, channels = pictures.shape
    frames = np.empty((count, 1, channels, height, width), np.float32)
    # In place: what this process needs only now would count as its peak of memory.
    np.multiply(pictures.transpose(0, 3, 1, 2), np.float32(1 / 255), out=frames[:, 0])
    return list(frames)


def _carried(engine: Engine, job: Job, frames: list[np.ndarray]) -> Iterator[float]:
    """Run one frame after the other, the state carried; yield each one's milliseconds.

    Frames and lens are put in place before the clock starts. Raises ValueError where an output is
    not finite at the end of the first frame.
    """
    pairs: Mapping[str, str] = job["state_pairs"]
    pictures = [engine.put(frame) for frame in frames]
    lens = engine.put(np.array([job["lens"]], dtype=np.float32))
    state = {n: engine.put(np.zeros(engine.input_shapes[n], np.float32)) for n in pairs}
    index = 0
    while True:
        seen = {"image": pictures[index % len(pictures)], "lens": lens, **state}
        feeds = {name: seen[name] for name in engine.input_shapes}
        elapsed_ms, outputs = _timed(partial(engine.run, feeds))
        if index == 0:
            _require_finite(engine, outputs)
        # A copy: some runtimes write the next frame over the last one's outputs.
        state = {name: _own(outputs[source]) for name, source in pairs.items()}
        index += 1
        yield elapsed_ms


def _own(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


def _require_finite(engine: Engine, outputs: Mapping[str, Any]) -> None:
    for name, value in outputs.items():
        if not np.isfinite(engine.get(value)).all():
            raise ValueError(f"output {name} of the first frame is not finite")


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = call()
    return (time.perf_counter() - started) * 1e3, result


def _memory(before_model: int | None, device_peak: int | None) -> dict[str, int | None]:
    """process: the peak of this process. model: how far above the peak with the runtime imported
    and the frames in memory that is. device: on the accelerator."""
    peak = peak_memory_bytes()
    model = None if peak is None or before_model is None else peak - before_model
    return {"process_peak_bytes": peak, "model_peak_bytes": model, "device_peak_bytes": device_peak}
