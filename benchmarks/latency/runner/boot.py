"""The first lines that run on the measuring machine: they receive the runner and start it.

Read from standard input and executed by `python -c`; the runner's size in bytes is the argument.
Everything happens in one temporary folder that goes when this process ends, however it ends.
"""

import errno
import json
import runpy
import shutil
import signal
import sys
import tempfile

ENDINGS = (signal.SIGTERM, signal.SIGHUP)
OLDEST_PYTHON = (3, 9)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def leave(number: int, _frame: object) -> None:
    """End by an exception, so that the folder goes. Another signal does not keep it here."""
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)
    raise SystemExit(128 + number)


def reply(event: dict) -> None:  # type: ignore[type-arg]
    """Tell the other side, as `serve.reply` does once the runner is here."""
    print("\nbokehflow: " + json.dumps(event), flush=True)


def main(size: int) -> None:
    """Receive `size` bytes of runner and let it serve one job from standard input."""
    if sys.version_info < OLDEST_PYTHON:
        found = ".".join(str(part) for part in sys.version_info[:3])
        reply({"event": "python", "version": found})
        return
    folder = None
    try:
        folder = tempfile.mkdtemp(prefix="bokehflow-benchmark-")
        runner = folder + "/runner.pyz"
        with open(runner, "wb") as file:  # noqa: PTH123
            file.write(sys.stdin.buffer.read(size))
        sys.argv = [runner, "serve", folder]
        runpy.run_path(runner, run_name="__main__")
    except OSError as error:
        # Without room for one byte, Python finds no temporary folder that is usable.
        if folder is not None and error.errno not in NO_ROOM:
            raise
        reply({"event": "disk", "message": str(error)})
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    for ending in ENDINGS:
        signal.signal(ending, leave)
    main(int(sys.argv[1]))
