"""Jobs as Ray tasks: on a Ray that is started here, or on the cluster this machine belongs to."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any, TypeVar

from bokehflow.errors import BokehFlowError, DeviceError, MissingDependencyError, UsageError

LOCAL = "local"
CONNECT_S, HEALTH_S = 3.0, 20.0
"""How long a cluster may take to answer at all, and to say that it is well."""
LONGEST_REASON = 300
OBJECT_STORE_BYTES = 100 * 2**20
"""Results are numbers and jobs are names: Ray's smallest store holds them."""

J = TypeVar("J")
R = TypeVar("R")


def on_ray(
    work: Callable[[J], R], jobs: Sequence[J], address: str, at_once: int | None = None
) -> Iterator[R]:
    """The results of `work` on every job, as they come.

    address: "local" starts a Ray on this machine and ends it afterwards; HOST:PORT joins the
    cluster whose head that is. at_once: so many jobs at a time, None for as many as Ray has
    processors. Raises MissingDependencyError, UsageError for another kind of address, DeviceError
    for a cluster that does not answer or loses a worker, and what `work` raises.
    """
    with _connected(address, at_once) as ray:
        task = ray.remote(num_cpus=1)(_kept(work))
        waiting = list(jobs)
        limit = at_once or int(ray.cluster_resources().get("CPU", 1))
        running: list[Any] = []
        try:
            while waiting or running:
                while waiting and len(running) < limit:
                    running.append(task.remote(waiting.pop(0)))
                done, running = ray.wait(running, num_returns=1)
                result = _result(ray, done[0])
                if isinstance(result, BokehFlowError):
                    raise result
                yield result
        finally:
            # A task that runs is interrupted and cleans up after itself; none of the others starts.
            for left in running:
                ray.cancel(left, force=False)
            if running:
                ray.wait(running, num_returns=len(running), timeout=HEALTH_S)


def _kept(work: Callable[[J], R]) -> Callable[[J], R | BokehFlowError]:
    """`work` with its plain errors as results: Ray would dress them in a traceback."""

    def kept(job: J) -> R | BokehFlowError:
        try:
            return work(job)
        except BokehFlowError as error:
            return error

    return kept


def _result(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    except ray.exceptions.RayError as error:
        first = str(error).splitlines()[0]
        raise DeviceError(
            f"Ray lost a worker: {first}", remedy="run the same command again"
        ) from error


@contextlib.contextmanager
def _connected(address: str, at_once: int | None) -> Iterator[Any]:
    """Ray's module, connected; shut down afterwards."""
    if importlib.util.find_spec("ray") is None:
        raise MissingDependencyError("ray", "cluster", "--ray")
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address == LOCAL:
        # Named, or Ray would join one that runs here or that RAY_ADDRESS tells of.
        quiet |= {"address": LOCAL, "num_cpus": at_once or os.cpu_count()}
        quiet |= {"include_dashboard": False}
        quiet |= {"object_store_memory": OBJECT_STORE_BYTES}
    else:
        require_cluster(address)
        quiet |= {"address": address}
    import ray

    with callers_sigterm() as take_back:
        try:
            ray.init(**quiet)
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            first = str(error).splitlines()[0]
            raise DeviceError(f"Ray at {address} cannot be joined: {first}") from error
        try:
            take_back()
            yield ray
        finally:
            ray.shutdown()


@contextlib.contextmanager
def callers_sigterm() -> Iterator[Callable[[], None]]:
    """Yield what takes SIGTERM back from Ray for the caller's handler, as the end does too.

    Ray has a handler of its own, and raises SystemExit(1) for whatever another one raises while Ray
    waits; what the caller's raised is raised in its place.
    """
    before: Any = signal.getsignal(signal.SIGTERM)
    raised: list[BaseException] = []

    def handle(number: int, frame: FrameType | None) -> None:
        try:
            before(number, frame)
        except BaseException as error:
            raised.append(error)
            raise

    def set_handler(handler: Any) -> None:
        # None is a handler that Python did not set, and Python cannot set again.
        if before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)

    try:
        yield lambda: set_handler(handle if callable(before) else before)
    except SystemExit:
        if raised:
            raise raised[0] from None
        raise
    finally:
        set_handler(before)


def require_cluster(address: str) -> None:
    """Raise UsageError for what is no HOST:PORT, DeviceError where no Ray answers there.

    Asked in a process of its own: Ray ends the one that tries to join what is no cluster.
    """
    match = re.fullmatch(r"([^:/\s]+):(\d{1,5})", address)
    if match is None:
        raise UsageError(
            f"the Ray address {address!r}", f"{LOCAL} or HOST:PORT, on a machine of that cluster"
        )
    remedy = "start one: ray start --head"
    try:
        socket.create_connection((match[1], int(match[2])), CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise DeviceError(f"nothing answers at {address}: {error}", "a Ray head", remedy) from error
    ask = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        subprocess.run(ask, check=True, capture_output=True, text=True, timeout=HEALTH_S)
    except subprocess.TimeoutExpired as error:
        raise DeviceError(f"what answers at {address} is no Ray head", remedy=remedy) from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or ["no reason given"]
        raise DeviceError(
            f"the Ray head at {address} refuses: {lines[-1][:LONGEST_REASON]}"
        ) from error
