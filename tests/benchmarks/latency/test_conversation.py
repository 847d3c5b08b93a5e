"""What becomes of a job: answers, crashes, full disks, nobody waiting."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bokehflow.benchmarks.device import SshAddress, SshHost
from bokehflow.benchmarks.latency import answers, connection, conversation
from bokehflow.benchmarks.latency.answers import Answer, Machine, Memory, Stages, Times
from bokehflow.benchmarks.latency.bundle import boot_bytes
from bokehflow.benchmarks.latency.host import EXTRAS, ThisMachine
from bokehflow.benchmarks.latency.run import Subject, measure, sent_files
from bokehflow.benchmarks.latency.runner.requirements import (
    FOR_ARGUMENTS,
    MODULES,
    missing_modules,
)
from bokehflow.benchmarks.latency.settings import Settings
from bokehflow.cli.doctor import PACKAGES
from bokehflow.errors import (
    BokehFlowError,
    DeviceError,
    OutputError,
    UsageError,
)
from bokehflow.specs import Size
from tests.benchmarks.latency.stand_ins import (
    CRASHES,
    DOUBLES,
    KILLED,
    LEAVES,
    RAISES,
    REAL_TIME,
    SLEEPS,
    SLOW_TO_REMOVE,
    any_subject,
    hidden,
    stand_in,
)
from tests.benchmarks.latency.watching import gone, until

QUICK = Settings(iterations=1, warmup=0, profile=0)
IMPATIENT = dataclasses.replace(QUICK, timeout_s=1.0)
HOST = {
    "processor": None,
    "machine": "arm64",
    "system": "Linux 6",
    "cpu_count": 4,
    "memory_bytes": 1,
    "gpu": None,
    "python": "3.11.2",
}
TIMES = {
    "version": "1.30",
    "device": "CPUExecutionProvider",
    "load_ms": 9,
    "first_ms": 8.5,
    "frame_ms": [7.0],
    "memory": {"process_peak_bytes": 3, "model_peak_bytes": 2, "device_peak_bytes": None},
}
WHOLE = {"event": "done", "status": "ok", "reason": None, "host": HOST, "times": TIMES}


class ThroughAShell(ThisMachine):
    """This machine, where a login runs `before` first."""

    def __init__(self, before: str) -> None:
        super().__init__()
        object.__setattr__(self, "before", before)

    def command(self, arguments: Sequence[str]) -> list[str]:
        python = shlex.join(super().command(arguments))
        return ["sh", "-c", f"{self.before}; exec {python}"]  # type: ignore[attr-defined]


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which runners make theirs."""
    folder = tmp_path / "room"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.mark.parametrize(
    ("source", "status", "reason"),
    [
        pytest.param(CRASHES, "crashed", "SIGSEGV", id="segfault"),
        pytest.param(KILLED, "crashed", "memory runs out", id="killed"),
        pytest.param(REAL_TIME, "crashed", "ended by signal 40", id="real-time"),
        pytest.param(LEAVES, "crashed", "exit code 7 without a result: no thank you", id="leaves"),
        pytest.param(RAISES, "failed", "RuntimeError: bad weather", id="raises"),
        pytest.param(SLEEPS, "timed out", "after 1 s", id="sleeps"),
    ],
)
def test_a_runtime_that_misbehaves_is_an_answer(
    tmp_path: Path,
    room: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    status: str,
    reason: str,
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(stand_in(tmp_path / "path", source)))
    settings = Settings(
        iterations=1, warmup=0, profile=0, timeout_s=1.0 if source == SLEEPS else 60
    )
    answer = measure(any_subject(tmp_path), settings, ThisMachine())
    assert answer.status == status
    assert answer.reason is not None
    assert reason in answer.reason
    assert answer.times is None
    assert list(room.iterdir()) == []


def carrying(folder: Path) -> Subject:
    return dataclasses.replace(any_subject(folder), state_pairs={"state": "next_state"})


def test_times_are_kept_where_the_profiler_fails(
    tmp_path: Path, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(stand_in(tmp_path / "path", DOUBLES)))
    settings = Settings(iterations=3, warmup=2, profile=2)
    answer = measure(carrying(tmp_path), settings, ThisMachine())
    assert answer.status == "ok"
    assert answer.times is not None
    assert len(answer.times.frame_ms) == 3
    assert answer.stages == Stages(error="failed: RuntimeError: no clocks here")
    assert list(room.iterdir()) == []


def test_the_state_is_carried_from_frame_to_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(stand_in(tmp_path / "path", DOUBLES)))
    # The first frame, two to warm up, five timed: 2^8 - 1.
    settings = Settings(iterations=5, warmup=2, profile=0)
    answer = measure(carrying(tmp_path), settings, ThisMachine())
    assert answer.reason is not None
    assert "the state was carried to 255" in answer.reason


def test_a_missing_runtime_is_told_before_anything_is_sent(
    tmp_path: Path, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stand_in(tmp_path / "path", hidden("onnxruntime"), module="sitecustomize")
    monkeypatch.setenv("PYTHONPATH", str(path))
    answer = measure(any_subject(tmp_path, size=2**22), QUICK, ThisMachine())
    assert (answer.status, answer.missing) == ("not run", ("onnxruntime",))
    assert "pip install onnxruntime" in str(answer.reason)
    assert list(room.iterdir()) == []


def test_a_machine_without_numpy_is_told_so(
    tmp_path: Path, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stand_in(tmp_path / "path", hidden("numpy"), "sitecustomize")
    monkeypatch.setenv("PYTHONPATH", str(path))
    answer = measure(any_subject(tmp_path), QUICK, ThisMachine())
    assert (answer.status, answer.missing) == ("not run", ("numpy",))
    assert "pip install numpy" in str(answer.reason)
    assert list(room.iterdir()) == []


@pytest.mark.parametrize(
    ("scan", "package", "extra"), [("cpu", "numba", "train"), ("triton", "triton", "cuda")]
)
def test_a_package_that_an_argument_needs_is_missed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scan: str, package: str, extra: str
) -> None:
    path = stand_in(tmp_path / "path", hidden(package), module="sitecustomize")
    monkeypatch.setenv("PYTHONPATH", f"{path}:{os.environ.get('PYTHONPATH', '')}")
    subject = dataclasses.replace(any_subject(tmp_path), runtime="torch")
    settings = dataclasses.replace(QUICK, arguments={"scan": scan})
    answer = measure(subject, settings, ThisMachine())
    assert (answer.status, answer.missing) == ("not run", (package,))
    assert f"pip install 'bokehflow[{extra}]'" in str(answer.reason)


def test_what_is_missing_is_told_with_what_installs_it_there() -> None:
    here, there = ThisMachine(), SshHost(SshAddress("phone"))
    assert here.missing(["openvino"]).remedy == "pip install 'bokehflow[openvino]'"
    assert here.missing(["numpy", "onnxruntime"]).remedy == "pip install numpy onnxruntime"
    assert there.missing(["numpy", "openvino"]).remedy == "pip install numpy openvino"
    needed = {name for names in MODULES.values() for name in names} | {*FOR_ARGUMENTS.values()}
    known = {package.name: package.extra for package in PACKAGES if not package.instead_of}
    extras = {name: known[name] for name in needed & known.keys() if known[name]}
    assert extras == EXTRAS


def test_what_a_system_hides_in_a_folder_is_not_sent(tmp_path: Path) -> None:
    model = tmp_path / "some_openvino"
    model.mkdir()
    for name in ("model.xml", "model.bin", ".DS_Store"):
        (model / name).touch()
    subject = Subject(model, "openvino", Size(12, 20), {})
    sent = [file.name for file in sent_files(subject)]
    parts = [f"artifact/some_openvino/{name}" for name in ("model.bin", "model.xml")]
    assert sent == [*parts, "frames.npy"]


@pytest.mark.parametrize("name", ["frames.npy", "runner.pyz", "job.json"])
def test_an_artifact_may_be_called_as_a_file_of_the_runner_is(
    tmp_path: Path, room: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(stand_in(tmp_path / "path", RAISES)))
    model = any_subject(tmp_path).model.rename(tmp_path / name)
    subject = Subject(model, "onnxruntime", Size(12, 20), {})
    answer = measure(subject, QUICK, ThisMachine())
    assert (answer.status, answer.reason) == ("failed", "RuntimeError: bad weather")
    assert list(room.iterdir()) == []


def test_a_full_disk_is_told_and_cleaned_up(tmp_path: Path, room: Path) -> None:
    # A limit on the size of files is refused by the system at the same place as a full disk.
    limited = ThroughAShell("ulimit -f 1000")
    with pytest.raises(OutputError, match="no room for the benchmark"):
        measure(any_subject(tmp_path, size=2**22), QUICK, limited)
    assert list(room.iterdir()) == []


@pytest.mark.parametrize("greeting", ["echo Welcome; echo Mail >&2", "printf 'a title'"])
def test_what_a_login_prints_is_not_the_answer(
    tmp_path: Path, room: Path, monkeypatch: pytest.MonkeyPatch, greeting: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(stand_in(tmp_path / "path", RAISES)))
    answer = measure(any_subject(tmp_path), QUICK, ThroughAShell(greeting))
    assert answer.status == "failed"
    assert list(room.iterdir()) == []


def test_files_of_the_current_folder_are_not_run(
    tmp_path: Path, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(stand_in(tmp_path / "path", RAISES)))
    elsewhere = tmp_path / "downloads"
    elsewhere.mkdir()
    for name in ("signal", "json", "tempfile"):
        (elsewhere / f"{name}.py").write_text("raise SystemExit(5)")
    monkeypatch.chdir(elsewhere)
    assert measure(any_subject(tmp_path), QUICK, ThisMachine()).status == "failed"
    assert list(room.iterdir()) == []


def test_a_connection_that_ends_without_an_answer_is_the_hosts_failure(tmp_path: Path) -> None:
    with pytest.raises(BokehFlowError, match="code 9: lost"):
        measure(any_subject(tmp_path), QUICK, ThroughAShell("echo lost >&2; exit 9"))


@pytest.mark.skipif(sys.platform != "linux", reason="a process's parent is read from /proc")
def test_a_runner_that_is_killed_outright_leaves_neither_its_process_nor_its_folder(
    tmp_path: Path, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stand_in(tmp_path / "path", SLEEPS)
    monkeypatch.setenv("PYTHONPATH", str(path))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(measure, any_subject(tmp_path), QUICK, ThisMachine())
        measuring = int(until((path / "pid").read_text))
        status = Path(f"/proc/{measuring}/status").read_text()
        (runner,) = re.findall(r"^PPid:\t(\d+)$", status, flags=re.MULTILINE)
        os.kill(int(runner), signal.SIGKILL)
        with pytest.raises(BokehFlowError, match="ended with code -9"):
            answer.result()
    until(lambda: gone(measuring))
    assert list(room.iterdir()) == []


def test_a_second_signal_does_not_keep_the_folder(tmp_path: Path, room: Path) -> None:
    slow = tmp_path / "slow"
    slow.mkdir()
    (slow / "shutil.py").write_text(SLOW_TO_REMOVE)
    with subprocess.Popen(
        [sys.executable, "-c", boot_bytes().decode(), "10"],
        stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(slow)},
    ) as boot:
        until(lambda: list(room.iterdir()))
        boot.send_signal(signal.SIGTERM)
        until((slow / "removing").exists)
        boot.send_signal(signal.SIGTERM)
        assert boot.wait() == 128 + signal.SIGTERM
    assert list(room.iterdir()) == []


def test_an_old_python_is_refused(tmp_path: Path) -> None:
    class Old(ThisMachine):
        def command(self, arguments: Sequence[str]) -> list[str]:
            flag, start, size = arguments
            return super().command([flag, f"import sys; sys.version_info=(3, 6, 9); {start}", size])

    with pytest.raises(UsageError, match=r"Python 3\.6\.9.*--device-python"):
        measure(any_subject(tmp_path), QUICK, Old())


def test_core_ml_is_not_run_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretends = "import sys\nsys.platform = 'linux'\n"
    monkeypatch.setenv("PYTHONPATH", str(stand_in(tmp_path / "path", pretends, "sitecustomize")))
    subject = dataclasses.replace(any_subject(tmp_path), runtime="coreml")
    answer = measure(subject, QUICK, ThisMachine())
    assert (answer.status, answer.reason) == ("not run", "coreml runs on macOS only")


def test_a_client_that_is_not_installed_is_said(room: Path) -> None:
    class NoSsh(ThisMachine):
        def command(self, arguments: Sequence[str]) -> list[str]:
            return ["no-such-ssh", *arguments]

    with pytest.raises(DeviceError, match="no-such-ssh is not installed"):
        measure(any_subject(room), QUICK, NoSsh())


def test_a_folder_of_that_name_is_not_an_installed_runtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "openvino").mkdir()
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "openvino", raising=False)
    assert "openvino" in missing_modules("openvino", {})


@pytest.mark.parametrize(
    "client",
    ["exec sleep 600", "trap '' TERM; sleep 600 & wait; wait", "echo hello; exec yes >&2"],
    ids=["says-nothing", "does-not-listen", "talks"],
)
def test_a_host_that_never_starts_the_runner_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: str
) -> None:
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(f"#!/bin/sh\n{client}\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(conversation, "START_S", 0.0)
    monkeypatch.setattr(connection, "CLEAN_UP_S", 0.5)
    # More than a pipe holds: sending waits too.
    subject = any_subject(tmp_path, size=2**17)
    with pytest.raises(DeviceError, match=r"ssh://phone has not answered within 2 s.*--timeout"):
        measure(subject, IMPATIENT, SshHost(SshAddress("phone")))


def test_an_interrupt_ends_a_host_that_does_not_listen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CLEAN_UP_S", 0.5)
    main = threading.main_thread().ident
    assert main is not None
    threading.Timer(0.5, signal.pthread_kill, (main, signal.SIGINT)).start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        measure(any_subject(tmp_path, size=2**17), QUICK, ThroughAShell("exec sleep 60"))
    assert time.monotonic() - started < 30


def test_the_end_of_what_was_said_is_kept(tmp_path: Path) -> None:
    talks = "yes | head -c 1000000 >&2; echo lost >&2; exit 9"
    with pytest.raises(BokehFlowError, match="code 9: lost"):
        measure(any_subject(tmp_path), QUICK, ThroughAShell(talks))


def answering(text: str) -> ThroughAShell:
    return ThroughAShell(f"cat >/dev/null & printf '%s\\n' {shlex.quote(text)}; exit")


def test_a_greeting_that_begins_like_the_answer_is_not_it(tmp_path: Path) -> None:
    said = f"bokehflow: welcome\nbokehflow: \nbokehflow: {json.dumps(WHOLE)}"
    memory = Memory(process_peak_bytes=3, model_peak_bytes=2, device_peak_bytes=None)
    times = Times("1.30", "CPUExecutionProvider", 9.0, 8.5, (7.0,), memory)
    machine = Machine(None, "arm64", "Linux 6", 4, 1, None, "3.11.2")
    expected = Answer("ok", None, machine, times)
    assert measure(any_subject(tmp_path), QUICK, answering(said)) == expected


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({}, "event is None; expected a text"),
        ({"event": []}, r"event is \[\]; expected a text"),
        ({"event": "dome"}, "unknown event 'dome'; expected one of done"),
        ({"event": "missing"}, "no modules"),
        ({"event": "missing", "modules": [], "host": HOST}, "the number of modules is 0"),
        ({"event": "missing", "modules": [1], "host": HOST}, r"modules\[0\] is 1; expected a text"),
        ({"event": "done"}, "no status; expected the keys status, reason, host"),
        ({**WHOLE, "host": None}, "host is None"),
        ({**WHOLE, "host": {**HOST, "cpu_count": 0}}, "host: cpu_count is 0; expected at least 1"),
        ({**WHOLE, "status": "fine"}, "status is 'fine'; expected one of ok, crashed"),
        ({**WHOLE, "times": None}, "status is 'ok'; expected ok with times"),
        ({**WHOLE, "status": "failed", "reason": "why"}, "status is 'failed'; expected ok with"),
        (
            {"event": "done", "status": "failed", "reason": None, "host": HOST},
            "status is 'failed' without",
        ),
        ({**WHOLE, "times": {**TIMES, "frame_ms": []}}, "times: the least of frame_ms is None"),
        (
            {**WHOLE, "times": {**TIMES, "frame_ms": [1.0, 0.0]}},
            "times: the least of frame_ms is 0.0",
        ),
        ({**WHOLE, "times": {**TIMES, "load_ms": -1}}, "times: load_ms is -1.0; expected at least"),
        ({**WHOLE, "times": {**TIMES, "load_ms": float("nan")}}, "times.load_ms is nan"),
        ({**WHOLE, "times": {**TIMES, "load_ms": 10**400}}, "times.load_ms is 1000"),
        ({**WHOLE, "times": {**TIMES, "memory": {}}}, "no times.memory.process_peak_bytes"),
        (
            {**WHOLE, "stages": {"frames": 2, "node_ms": {"a": "long"}}},
            "stages.node_ms.a is 'long'",
        ),
        ({**WHOLE, "stages": {"frames": 2, "node_ms": {"a": -1}}}, "stages: node_ms.a is -1.0"),
        ({**WHOLE, "stages": {"frames": 0, "node_ms": {}}}, "stages: frames is 0"),
        ({**WHOLE, "missing": ["numpy"]}, "status is 'ok'; expected not run"),
        ({**WHOLE, "stage": None}, "unknown key 'stage'; expected one of status"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_answer_that_is_no_record_is_a_fault_of_the_device(
    tmp_path: Path, answer: dict[str, object], why: str
) -> None:
    with pytest.raises(DeviceError, match=f"no whole record: {why}.*; see whether a login"):
        measure(any_subject(tmp_path), QUICK, answering(f"bokehflow: {json.dumps(answer)}"))


def test_an_answer_that_cannot_be_read_is_a_fault_of_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DeviceError, match="cannot be read"):
        measure(any_subject(tmp_path), QUICK, answering('bokehflow: {"event": "do'))
    monkeypatch.setattr(answers, "LONGEST_LINE_BYTES", 1000)
    with pytest.raises(DeviceError, match="a line of more than 1000 bytes"):
        measure(any_subject(tmp_path), QUICK, answering("x" * 1001))
