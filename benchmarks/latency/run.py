"""One artifact, measured: from the file to a row of the record."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bokehflow.benchmarks.latency.answers import Answer
from bokehflow.benchmarks.latency.conversation import SentFile, converse
from bokehflow.benchmarks.latency.host import Host
from bokehflow.benchmarks.latency.settings import Settings
from bokehflow.calibration.frames import BENCHMARK_LENSES, validation_frames
from bokehflow.export.artifacts.hashing import files_of
from bokehflow.export.artifacts.naming import manifest_path
from bokehflow.specs import Size

FRAMES = 2
"""Pictures fed in turn: the packaged stereo pair, left and right."""
_PLACE = "artifact"
"""The folder it is sent to, within the runner's: it may be called as a file of the runner's is."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured. model: a file or folder that `runtime` loads; its manifest goes with it if
    one lies beside it (torch needs it).

    frame_size: of the pictures it takes. state_pairs: which output is which input of the next
    frame.
    """

    model: Path
    runtime: str
    frame_size: Size
    state_pairs: Mapping[str, str]


def measure(subject: Subject, settings: Settings, host: Host) -> Answer:
    """The runner's answer, with its `stages` where asked for and possible.

    Raises what `converse` raises.
    """
    job: dict[str, object] = {
        "runtime": subject.runtime,
        "model": f"{_PLACE}/{subject.model.name}",
        "manifest": f"{_PLACE}/{manifest_path(subject.model).name}",
        "state_pairs": dict(subject.state_pairs),
        "lens": BENCHMARK_LENSES[0].as_tuple(),
        "iterations": settings.iterations,
        "warmup": settings.warmup,
        "threads": settings.threads,
        "timeout_s": settings.timeout_s,
        "profile": settings.profile,
        "arguments": dict(settings.arguments),
    }
    return converse(host, job, sent_files(subject))


def sent_files(subject: Subject) -> list[SentFile]:
    """What goes to the machine that measures: the model, its manifest and the frames."""
    model, beside = subject.model, manifest_path(subject.model)
    paths = [*files_of(model), *([beside] if beside.exists() else [])]
    own = [
        SentFile(f"{_PLACE}/{path.relative_to(model.parent).as_posix()}", path) for path in paths
    ]
    return [*own, SentFile("frames.npy", _pictures(subject.frame_size))]


def _pictures(size: Size) -> bytes:
    """The frames as 8-bit pictures [N, H, W, 3] in NumPy's own format."""
    frames = [frame[0].permute(1, 2, 0).numpy() for frame in validation_frames(size, FRAMES)]
    target = io.BytesIO()
    np.save(target, np.rint(np.stack(frames) * 255.0).astype(np.uint8))
    return target.getvalue()
