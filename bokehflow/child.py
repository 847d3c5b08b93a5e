"""Processes that are started for one task, and are no orphans when it ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar, TypeVarTuple

from bokehflow.errors import BokehFlowError

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


def in_child(
    function: Callable[[*Arguments], T], *arguments: *Arguments, ended: BokehFlowError
) -> T:
    """What a function returns in a process of its own, whose fault ends no other.

    The function, its arguments and what it returns have to go through pickle. Whatever interrupts
    the wait, Ctrl-C too, ends the process. Raises what the function raises, and `ended` where the
    process ends before it returns.
    """
    context = multiprocessing.get_context("spawn")
    process = None
    with ProcessPoolExecutor(1, mp_context=context, initializer=end_with_parent) as pool:
        try:
            process = pool.submit(os.getpid).result()
            return pool.submit(function, *arguments).result()
        except BrokenProcessPool as error:
            raise ended from error
        except BaseException:
            # It would be waited for, and may work for minutes.
            if process is not None:
                os.kill(process, signal.SIGKILL)
            raise


def shut_down(pool: ProcessPoolExecutor) -> None:
    """Give up what a pool has not begun and wait for what it has; whatever interrupts the wait, as
    a second Ctrl-C, ends all processes of this one.

    They would wait for work for ever, and this process, at its end, for them: a pool does not tell
    its processes any more once its shutdown was interrupted.
    """
    try:
        pool.shutdown(wait=True, cancel_futures=True)
    except BaseException:
        for child in multiprocessing.active_children():
            child.kill()
        raise


def end_with_parent() -> None:
    """End this process when the one that started it ends: a parent that is killed tells nobody, and
    its children would go on, or wait for work, for ever."""
    threading.Thread(target=_wait_and_end, daemon=True).start()


def _wait_and_end() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
