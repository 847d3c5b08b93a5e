"""A process that speaks over its standard streams: started, limited in time, ended in order."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence

from bokehflow.errors import DeviceError

CLEAN_UP_S = 10.0
"""How long a runner may take to remove its folder before its connection is cut."""
TAIL_BYTES = 2**16
"""Of what a process writes to standard error, the last that is kept."""


class Connection:
    """A running process with its standard streams in our hands."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.stdin, self.stdout = process.stdin, process.stdout
        self.process = process
        self._errors = process.stderr
        self._tail = b""
        # Read as it comes: whoever writes to a full pipe waits.
        self._reader = threading.Thread(target=self._keep_tail, daemon=True)
        self._reader.start()

    def said(self) -> str:
        """The end of what it wrote to standard error, once it has ended."""
        # What it leaves running, as ssh does to share a connection, may hold the stream open.
        self._reader.join(1.0)
        return self._tail.decode(errors="replace")

    def end(self) -> None:
        """Ask the process and what it started to end, and kill what is left a while later."""
        _signal_group(self.process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(CLEAN_UP_S)
        _signal_group(self.process, signal.SIGKILL)

    def _keep_tail(self) -> None:
        with self._errors as stream:
            while block := os.read(stream.fileno(), TAIL_BYTES):
                self._tail = (self._tail + block)[-TAIL_BYTES:]


@contextlib.contextmanager
def connected(command: Sequence[str], name: str) -> Iterator[Connection]:
    """Start `command`, in a session of its own: a Ctrl-C reaches it through us, in order.

    At the end its standard input is closed, which makes a runner remove its folder, and it has
    `CLEAN_UP_S` to do so. Raises DeviceError, which calls the machine `name`, where the command is
    not installed.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise DeviceError(
            f"{name} cannot be reached: {command[0]} is not installed here",
            remedy="install the OpenSSH client",
        ) from error
    connection = Connection(process)
    try:
        yield connection
    finally:
        _hang_up(connection)


@contextlib.contextmanager
def limited(connection: Connection, limit_s: float) -> Iterator[threading.Event]:
    """End the process where the block takes longer than `limit_s`; the event tells that it did.

    Whoever waits in the block to read from it or to write to it waits no more then.
    """
    late = threading.Event()

    def end() -> None:
        late.set()
        connection.end()

    timer = threading.Timer(limit_s, end)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _hang_up(connection: Connection) -> None:
    process = connection.process
    # Closing sends what is not sent yet, for which a process that does not listen would not do.
    kill = threading.Timer(CLEAN_UP_S, _signal_group, (process, signal.SIGKILL))
    kill.daemon = True
    kill.start()
    try:
        with contextlib.suppress(BrokenPipeError):
            connection.stdin.close()
        process.wait()
    except BaseException:  # a second Ctrl-C: there is no time to clean up
        _signal_group(process, signal.SIGKILL)
        process.wait()
        raise
    finally:
        kill.cancel()
        connection.stdout.close()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # Its number is that of its group as long as anything in that is left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
