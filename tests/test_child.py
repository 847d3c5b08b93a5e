"""A function in a process of its own: what comes back, and that no process is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bokehflow.child import in_child
from bokehflow.errors import ArtifactError, UsageError
from tests.benchmarks.latency.watching import PATIENCE_S, gone, until

ENDED = ArtifactError("it ended", "a result")


def divided(a: int, b: int) -> tuple[float, int]:
    if b == 0:
        raise UsageError("a division by 0")
    return a / b, os.getpid()


def dying() -> None:
    """Its process ends as a segmentation fault ends it."""
    os.kill(os.getpid(), signal.SIGSEGV)


def sleeping(told: Path) -> None:
    """Says who it is, and takes long."""
    told.write_text(str(os.getpid()))
    time.sleep(600.0)


def test_it_gives_what_the_function_returns_elsewhere() -> None:
    result, process = in_child(divided, 6, 4, ended=ENDED)
    assert result == 1.5
    assert process != os.getpid()


def test_it_raises_what_the_function_raises() -> None:
    with pytest.raises(UsageError, match="a division by 0"):
        in_child(divided, 6, 0, ended=ENDED)


def test_a_process_that_ends_is_told_and_ends_no_other() -> None:
    with pytest.raises(ArtifactError, match="it ended; expected a result"):
        in_child(dying, ended=ENDED)


WAITS = """
import sys
from pathlib import Path
from bokehflow.child import in_child
from tests.test_child import ENDED, sleeping

if __name__ == "__main__":
    in_child(sleeping, Path(sys.argv[1]), ended=ENDED)
"""


@contextmanager
def waiting_parent(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A script whose child sleeps, and the child's number."""
    script, told = folder / "waits.py", folder / "told"
    script.write_text(WAITS)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])}
    command = [sys.executable, script, told]
    parent = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        until(lambda: told.is_file() and told.read_text().isdigit())
        yield parent, int(told.read_text())
    finally:
        parent.kill()
        parent.wait()


SHUT_DOWN = """
import signal, sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from bokehflow.child import shut_down
from tests.benchmarks.latency.watching import until
from tests.test_child import sleeping

if __name__ == "__main__":
    pool = ProcessPoolExecutor(2, mp_context=get_context("spawn"))
    told = [Path(sys.argv[1] + name) for name in "ab"]
    for path in told:
        pool.submit(sleeping, path)
    until(lambda: all(path.exists() for path in told))
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    shut_down(pool)
"""


def test_a_shutdown_that_is_interrupted_waits_for_nobody(tmp_path: Path) -> None:
    script, told = tmp_path / "shuts.py", tmp_path / "told"
    script.write_text(SHUT_DOWN)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])}
    done = subprocess.run(
        [sys.executable, script, told], env=environment, capture_output=True, text=True,
        timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert done.stderr.strip().endswith("KeyboardInterrupt")
    for name in "ab":
        assert gone(int(Path(f"{told}{name}").read_text()))


@pytest.mark.parametrize("told", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_a_child_ends_with_its_parent(told: signal.Signals, tmp_path: Path) -> None:
    with waiting_parent(tmp_path) as (parent, child):
        assert child != parent.pid
        parent.send_signal(told)
        parent.wait(timeout=PATIENCE_S)
        assert until(lambda: gone(child)), "the child outlives its parent"
