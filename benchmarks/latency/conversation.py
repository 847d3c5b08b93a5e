"""One job, sent to a runner and answered: over a pipe, to this machine or through ssh."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from bokehflow.benchmarks.latency.bundle import boot_bytes, runner_bytes
from bokehflow.benchmarks.latency.host import Host
from bokehflow.benchmarks.latency.runner.serve import MARK
from bokehflow.errors import (
    BokehFlowError,
    DeviceError,
    MissingDependencyError,
    OutputError,
    UsageError,
)

CLEAN_UP_S = 10.0
"""How long a runner may take to remove its folder before its connection is cut."""


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


def converse(host: Host, job: Mapping[str, object], files: Sequence[SentFile]) -> dict[str, Any]:
    """Run a job in a fresh process on `host` and return its answer: status, reason, times, ...

    Whatever ends this, an interrupt included, ends the runner and removes what it wrote.
    Raises MissingDependencyError for what is not installed there, OutputError for a full disk, and
    what the host makes of a connection that fails.
    """
    with _temporary_file() as errors, _started(host, errors) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        # A runner that refuses the job stops listening; its answer says why.
        with contextlib.suppress(BrokenPipeError):
            _send(process.stdin, job, files)
        answer = _answer(process.stdout)
        if answer is None:
            exit_code = process.wait()
            errors.seek(0)
            raise host.failure(exit_code, errors.read().decode(errors="replace"))
    if answer["event"] != "done":
        raise _refusal(host, answer)
    return answer


def _temporary_file() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        raise OutputError(
            f"no temporary file can be made: {error}", remedy="free some space or set TMPDIR"
        ) from error


@contextlib.contextmanager
def _started(host: Host, errors: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The runner's process, in a session of its own: a Ctrl-C reaches it through us, in order."""
    start = f"import sys;exec(sys.stdin.buffer.read({len(boot_bytes())}))"
    command = host.command(["-c", start, str(len(runner_bytes()))])
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise DeviceError(
            f"{host.name} cannot be reached: {command[0]} is not installed here",
            remedy="install the OpenSSH client",
        ) from error
    try:
        yield process
    finally:
        _finish(process)


def _finish(process: subprocess.Popen[bytes]) -> None:
    """Hang up, which makes the runner remove its folder, and wait until it has."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(CLEAN_UP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


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


def _answer(stream: IO[bytes]) -> dict[str, Any] | None:
    """The runner's one answer among whatever else a login prints; None if there is none."""
    for line in stream:
        text = line.decode(errors="replace")
        if text.startswith(MARK):
            try:
                answer: dict[str, Any] = json.loads(text[len(MARK) :])
            except ValueError:  # cut off in the middle
                return None
            return answer
    return None


def _refusal(host: Host, answer: Mapping[str, Any]) -> BokehFlowError:
    if answer["event"] == "missing":
        packages = " ".join(answer["modules"])
        return MissingDependencyError(packages, "", f"benchmarking on {host.name}")
    if answer["event"] == "python":
        return UsageError(
            f"{host.name} has Python {answer['version']}",
            "Python 3.9 or newer",
            "name another with --device-python",
        )
    return OutputError(
        f"no room for the benchmark on {host.name}: {answer['message']}",
        remedy="free some space there, or set TMPDIR to a roomier folder",
    )
