"""Receive a job, run it in fresh processes, tell how it went.

Standard input: one line of JSON (the job and the files' names and sizes), then the files' bytes.
It stays open as long as someone waits for the answer: its end means that nobody does, and ends
everything. Standard output: one line that begins with MARK; other lines are the system's chatter.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from .host import describe_host
from .requirements import missing_modules, why_not_here

MARK = "bokehflow: "
SPARE_BYTES = 16 * 2**20
"""Room for what the runtimes write beside the model."""
POLL_S = 0.05
BLOCK_BYTES = 2**20


def serve(folder: Path, runner: Path) -> None:
    """Serve one job from standard input in `folder`."""
    reply(_answer(sys.stdin.buffer, folder, runner))


def reply(event: Mapping[str, Any]) -> None:
    """Tell the other side, on a line of its own: a login's greeting may end without one."""
    print("\n" + MARK + json.dumps(event), flush=True)


def _answer(source: BinaryIO, folder: Path, runner: Path) -> dict[str, Any]:
    request = json.loads(source.readline() or b"null")
    if request is None:
        raise SystemExit(1)
    job, files = request["job"], request["files"]
    reason = why_not_here(job["runtime"])
    if reason is not None:
        return {"event": "done", "status": "not run", "reason": reason, "host": describe_host()}
    missing = missing_modules(job["runtime"], job["arguments"])
    if missing:
        return {"event": "missing", "modules": missing, "host": describe_host()}
    needed = sum(file["bytes"] for file in files) + SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        message = f"{folder} has {free // 2**20} MB free, the job needs {needed // 2**20} MB"
        return {"event": "disk", "message": message}
    for file in files:
        _receive(source, folder / file["name"], file["bytes"])
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    return {"event": "done", "host": describe_host(), **_run(folder, runner, job)}


def _receive(source: BinaryIO, path: Path, left: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        while left:
            block = source.read(min(left, BLOCK_BYTES))
            if not block:
                raise SystemExit(1)
            file.write(block)
            left -= len(block)


def _run(folder: Path, runner: Path, job: Mapping[str, Any]) -> dict[str, Any]:
    """Both phases. One that crashes or takes too long leaves a status and a reason."""
    deadline = time.monotonic() + job["timeout_s"]
    times = _phase(folder, runner, "times", deadline, job["timeout_s"])
    if times["status"] != "ok" or not job["profile"]:
        return times
    stages = _phase(folder, runner, "stages", deadline, job["timeout_s"])
    found = stages.get("stages", {"error": f"{stages['status']}: {stages['reason']}"})
    return {**times, "stages": found}


def _phase(
    folder: Path, runner: Path, phase: str, deadline: float, timeout_s: float
) -> dict[str, Any]:
    log = folder / f"{phase}.log"
    command = [sys.executable, str(runner), "measure", str(folder), phase]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            # Open as long as this process lives: its end is what an orphan notices (`orphan`).
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            # What a runtime leaves in the temporary folder (ONNX Runtime does) goes with ours.
            env={**os.environ, "TMPDIR": str(folder)},
            start_new_session=True,
        ) as process,
    ):
        try:
            in_time = _wait(process, deadline)
        finally:
            _end(process)
    if not in_time:
        return {"status": "timed out", "reason": f"no end after {timeout_s:g} s in all"}
    result = folder / f"{phase}.json"
    if process.returncode < 0 or not result.exists():
        return {"status": "crashed", "reason": _crash(process.returncode, log)}
    try:
        found = json.loads(result.read_text(encoding="utf-8"))
    except ValueError:  # cut short, as on a full disk
        return {"status": "crashed", "reason": _crash(process.returncode, log)}
    if "error" in found:
        return {"status": "failed", "reason": found["error"]}
    return {"status": "ok", "reason": None, phase: found}


def _wait(process: subprocess.Popen[bytes], deadline: float) -> bool:
    """Wait for the end or the deadline; whether it ended. Leaves if nobody waits any more."""
    while process.poll() is None:
        if time.monotonic() > deadline:
            return False
        readable, _, _ = select.select([sys.stdin], [], [], POLL_S)
        if readable and not os.read(sys.stdin.fileno(), 1):
            raise SystemExit(1)
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and its children, if there are any left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _signal_name(number: int) -> str:
    """Those of real time have a number alone."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _crash(code: int, log: Path) -> str:
    """How a process ended, and the last line it wrote."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    said = f": {lines[-1]}" if lines else ""
    if code >= 0:
        return f"exit code {code} without a result{said}"
    name = _signal_name(-code)
    hint = " (the system kills with it when memory runs out)" if name == "SIGKILL" else ""
    return f"ended by {name}{hint}{said}"
