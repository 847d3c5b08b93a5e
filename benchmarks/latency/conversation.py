"""One job, sent to a runner and answered: over a pipe, to this machine or through ssh."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bokehflow.benchmarks.latency.answers import (
    Answer,
    FullDisk,
    MissingModules,
    OldPython,
    read_answer,
)
from bokehflow.benchmarks.latency.bundle import boot_bytes, runner_bytes
from bokehflow.benchmarks.latency.connection import connected, limited
from bokehflow.benchmarks.latency.host import Host
from bokehflow.errors import (
    BokehFlowError,
    DeviceError,
    OutputError,
    UsageError,
)

START_S = 120.0
"""For a connection, for Python there to start and to describe its machine, and to end."""
LEAST_BYTES_PER_S = 1e5
"""A slow wireless link; one that is slower is not waited for."""


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file for the runner's folder. content: its bytes, or where they are."""

    name: str
    content: bytes | Path

    @property
    def size(self) -> int:
        """Bytes."""
        if isinstance(self.content, bytes):
            return len(self.content)
        return self.content.stat().st_size


def converse(host: Host, job: Mapping[str, object], files: Sequence[SentFile]) -> Answer:
    """Run a job in a fresh process on `host` and return its answer, which is "not run" for what is
    not installed there.

    Whatever ends this, an interrupt included, ends the runner and removes what it wrote.
    Raises OutputError for a full disk, DeviceError for an answer that is none or does not come, and
    what the host makes of a connection that fails.
    """
    # Without the current folder, whose files may be called like modules of Python's own.
    start = (
        "import sys;sys.path[:]=[p for p in sys.path if p];"
        f"exec(sys.stdin.buffer.read({len(boot_bytes())}))"
    )
    command = host.command(["-c", start, str(len(runner_bytes()))])
    limit_s = _limit_s(job, files)
    with connected(command, host.name) as runner, limited(runner, limit_s) as late:
        # A runner that refuses the job stops listening; its answer says why.
        with contextlib.suppress(BrokenPipeError):
            _send(runner.stdin, job, files)
        answer = read_answer(runner.stdout, host.name)
        if answer is None:
            exit_code = runner.process.wait()
            if late.is_set():
                raise _no_answer(host, limit_s)
            raise host.failure(exit_code, runner.said())
    if isinstance(answer, MissingModules):
        reason = str(host.missing(answer.modules))
        return Answer("not run", reason, answer.host, missing=answer.modules)
    if not isinstance(answer, Answer):
        raise _refusal(host, answer)
    return answer


def _limit_s(job: Mapping[str, object], files: Sequence[SentFile]) -> float:
    """Seconds from the start to the answer: those of the job, which the runner itself keeps to, and
    those of the way there and back."""
    allowed = job["timeout_s"]
    assert isinstance(allowed, float | int)
    return START_S + sum(file.size for file in files) / LEAST_BYTES_PER_S + allowed


def _no_answer(host: Host, limit_s: float) -> DeviceError:
    return DeviceError(
        f"{host.name} has not answered within {limit_s:.0f} s",
        "the runner's answer",
        "log in there and see whether Python starts; --timeout S waits longer",
    )


def _send(stream: IO[bytes], job: Mapping[str, object], files: Sequence[SentFile]) -> None:
    stream.write(boot_bytes())
    stream.write(runner_bytes())
    listing = [{"name": file.name, "bytes": file.size} for file in files]
    stream.write(json.dumps({"job": job, "files": listing}).encode() + b"\n")
    for file in files:
        if isinstance(file.content, bytes):
            stream.write(file.content)
        else:
            with file.content.open("rb") as source:
                shutil.copyfileobj(source, stream)
    stream.flush()


def _refusal(host: Host, refusal: OldPython | FullDisk) -> BokehFlowError:
    if isinstance(refusal, OldPython):
        return UsageError(
            f"{host.name} has Python {refusal.version}",
            "Python 3.9 or newer",
            "name another with --device-python",
        )
    return OutputError(
        f"no room for the benchmark on {host.name}: {refusal.message}",
        remedy="free some space there, or set TMPDIR to a roomier folder",
    )
