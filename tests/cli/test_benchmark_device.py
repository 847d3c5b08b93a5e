"""`bfx benchmark --device` against a real OpenSSH server on loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bokehflow.export import Artifact
from tests.benchmarks.device.sshd import SSHD, Server, make_key, running_server
from tests.benchmarks.latency.stand_ins import SLEEPS, hidden, stand_in
from tests.benchmarks.latency.watching import gone, until
from tests.cli.runner import Bfx

pytestmark = pytest.mark.skipif(
    SSHD is None, reason="sshd is missing: apt-get install openssh-server"
)
QUICK = ("--iterations", "2", "--warmup", "0", "--threads", "1", "--no-stages")
HERE = ("--device-python", sys.executable)


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """The folder in which runners on the other machine make theirs."""
    folder = tmp_path / "room"
    folder.mkdir()
    return folder


@pytest.fixture
def server(tmp_path: Path, room: Path) -> Iterator[Server]:
    with running_server(tmp_path / "sshd", {"TMPDIR": str(room)}) as started:
        yield started


def test_the_record_comes_back_and_nothing_stays(
    bfx: Bfx, artifacts: dict[str, Artifact], server: Server, room: Path
) -> None:
    done = bfx("benchmark", artifacts["onnx"].path, *QUICK, *server.options(), *HERE, "--json")
    assert done.exit_code == 0, done.stderr
    assert done.document["device"] == server.address
    (row,) = done.document["rows"]
    assert row["status"] == "ok"
    assert row["times"]["frames"] == 2
    assert list(room.iterdir()) == []


def test_a_wrong_key_an_unknown_host_and_no_host_are_plain_errors(
    bfx: Bfx, artifacts: dict[str, Artifact], server: Server, tmp_path: Path
) -> None:
    wrong, stranger = make_key(tmp_path / "wrong"), tmp_path / "stranger"
    stranger.write_text("UserKnownHostsFile none\nGlobalKnownHostsFile none\n")
    path, address = artifacts["onnx"].path, server.address
    device = ("--device", address, "--ssh-config")
    cases = {
        "--identity FILE": (*device, server.config, "--identity", wrong),
        "accept the host's key": (*device, stranger, "--identity", server.identity),
        "switched on": ("--device", "ssh://127.0.0.1:1", "--ssh-config", server.config),
        "--device-python": (*server.options(), "--device-python", "/no/such/python"),
    }
    for message, options in cases.items():
        done = bfx("benchmark", path, *options)
        assert message in done.require_plain_error(2)


def test_a_host_without_the_runtime_is_exit_code_three(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, room: Path
) -> None:
    path = stand_in(tmp_path / "path", hidden("onnxruntime"), "sitecustomize")
    environment = {"TMPDIR": str(room), "PYTHONPATH": str(path)}
    with running_server(tmp_path / "sshd", environment) as server:
        done = bfx("benchmark", artifacts["onnx"].path, *server.options(), *HERE)
        message = done.require_plain_error(3)
        assert "pip install onnxruntime" in message
        assert server.address in message
    assert list(room.iterdir()) == []


def test_a_full_disk_there_is_told_and_cleaned_up(
    bfx: Bfx, artifacts: dict[str, Artifact], tmp_path: Path, room: Path
) -> None:
    # A limit on the size of files is refused by the system at the same place as a full disk.
    with running_server(tmp_path / "sshd", {"TMPDIR": str(room)}, file_blocks=1000) as server:
        done = bfx("benchmark", artifacts["onnx"].path, *server.options(), *HERE)
        assert "no room for the benchmark on ssh://" in done.require_plain_error(2)
    assert list(room.iterdir()) == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL], ids=lambda n: n.name)
def test_an_interruption_leaves_nothing_behind_there(
    artifacts: dict[str, Artifact], tmp_path: Path, room: Path, ending: signal.Signals
) -> None:
    path, here = stand_in(tmp_path / "path", SLEEPS), tmp_path / "here"
    here.mkdir()
    environment = {"TMPDIR": str(room), "PYTHONPATH": str(path)}
    with running_server(tmp_path / "sshd", environment) as server:
        command = [sys.executable, "-m", "bokehflow.cli.main", "benchmark",
                   *map(str, (artifacts["onnx"].path, *server.options(), *HERE))]  # fmt: skip
        process = subprocess.Popen(command, env={**os.environ, "TMPDIR": str(here)},
                                   stderr=subprocess.PIPE)  # fmt: skip
        runner = int(until((path / "pid").read_text))
        process.send_signal(ending)
        process.communicate()
        assert process.returncode in (130, -ending)
        until(lambda: gone(runner) and not list(room.iterdir()))
    assert list(here.iterdir()) == []
