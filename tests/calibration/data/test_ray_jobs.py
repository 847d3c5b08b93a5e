"""Data making on a Ray of two workers: the same files, whole clips only, plain errors."""

from __future__ import annotations

import importlib.util
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bokehflow.calibration.data.making import make_data
from bokehflow.calibration.data.manifest import MANIFEST
from bokehflow.calibration.data.ray_jobs import LOCAL, callers_sigterm, on_ray, require_cluster
from bokehflow.calibration.data.request import CLIPS_PER_GROUP, DataRequest
from bokehflow.errors import DeviceError, InputError, MissingDependencyError, UsageError

REQUEST = DataRequest(height=32, width=32, seed=5)
COUNT = 2 * CLIPS_PER_GROUP + 1
with_ray = pytest.mark.skipif(not importlib.util.find_spec("ray"), reason="ray is not installed")


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*/*.npz")}


@with_ray
def test_ray_makes_the_same_files_until_interrupted_and_whole_ones_only(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    make_data(here, REQUEST, ["layered"], COUNT)
    seen = 0

    def interrupt_at_the_second_job(number: int) -> None:
        nonlocal seen
        seen += number
        if seen > CLIPS_PER_GROUP:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_data(there, REQUEST, ["layered"], COUNT, 2, interrupt_at_the_second_job, ray=LOCAL)
    kept = _bytes(there)
    assert len(kept) > CLIPS_PER_GROUP
    assert kept.items() <= _bytes(here).items()
    make_data(there, REQUEST, ["layered"], COUNT)
    assert _bytes(there) == _bytes(here)
    assert (there / MANIFEST).read_text() == (here / MANIFEST).read_text()


def _refuse(job: int) -> int:
    raise InputError(f"job {job}", "another")


@with_ray
def test_an_error_of_a_task_stays_plain_and_sigterm_the_callers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Local is local where a cluster is named as well.
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(InputError, match=r"^job 7; expected another$"):
        list(on_ray(_refuse, [7], LOCAL, 1))
    assert signal.getsignal(signal.SIGTERM) is before


class Ended(SystemExit):
    """What a handler of SIGTERM raises."""


def _end(number: int, _frame: object) -> None:
    raise Ended(number)


def _wait_as_ray_does() -> None:
    """Ray takes the handler, and makes SystemExit(1) of what another one raises while it waits."""
    with callers_sigterm() as take_back:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        take_back()
        try:
            signal.raise_signal(signal.SIGTERM)
        except SystemExit:
            raise SystemExit(1) from None


def test_sigterm_ends_a_wait_by_the_callers_handler() -> None:
    before = signal.signal(signal.SIGTERM, _end)
    try:
        with pytest.raises(Ended):
            _wait_as_ray_does()
        assert signal.getsignal(signal.SIGTERM) is _end
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_temporary_folder_that_ray_cannot_use_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise OSError("AF_UNIX path length cannot exceed 107 bytes")

    monkeypatch.setattr(pytest.importorskip("ray"), "init", refuse)
    with pytest.raises(DeviceError, match="cannot exceed 107 bytes"):
        list(on_ray(abs, [1], "local"))


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'bokehflow\[cluster\]'"):
        list(on_ray(_refuse, [7], LOCAL))


@pytest.mark.parametrize("address", ["head", "ray://head:10001", "head:port", ""])
def test_other_addresses_are_misuse(address: str) -> None:
    with pytest.raises(UsageError, match="HOST:PORT"):
        require_cluster(address)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where something listens that hangs up on everyone."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=hang_up, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_a_port_where_nothing_listens_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(DeviceError, match="nothing answers"):
        require_cluster(f"127.0.0.1:{port}")


def test_what_answers_but_is_no_ray_is_told(
    silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bokehflow.calibration.data.ray_jobs.HEALTH_S", 2.0)
    with pytest.raises(DeviceError, match="no Ray head"):
        require_cluster(f"127.0.0.1:{silent_port}")
