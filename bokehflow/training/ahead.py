"""What steps need, made ahead of them: by processes, and while the device computes."""

from __future__ import annotations

import contextlib
import signal
import threading
import warnings
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

from bokehflow.errors import BokehFlowError, DeviceError
from bokehflow.training.draws import Drawing, StepDraws
from bokehflow.training.interrupt import ENDINGS

Made = TypeVar("Made")


@dataclass(frozen=True)
class Making(Dataset[Made | BokehFlowError], Generic[Made]):
    """What `make` makes of what a process's part of each step draws. A plain error is a value here:
    raised in a worker it would come back with a traceback for a message."""

    drawing: Drawing
    part: tuple[int, int]
    make: Callable[[StepDraws], Made]

    def __getitem__(self, step: int) -> Made | BokehFlowError:
        try:
            return self.make(self.drawing(step, self.part))
        except BokehFlowError as error:
            return error


def made_ahead(making: Making[Made], steps: range, workers: int) -> Generator[Made]:
    """What these steps need, in order, made ahead by so many processes.

    Processes, not threads: those would hold up the one that keeps a GPU busy. Raises what the
    making raises, and DeviceError where one of them was ended from outside.
    """
    with warnings.catch_warnings():
        # Its advice against more workers than processors is the caller's to weigh.
        warnings.simplefilter("ignore", UserWarning)
        loader = DataLoader(
            making,
            batch_size=None,
            sampler=steps,
            num_workers=workers,
            collate_fn=_as_it_is,
            worker_init_fn=_leave_signals_to_the_parent,
            generator=torch.Generator(),  # the global one belongs to the run, and is saved with it
        )
        with _own_child_signals():
            ahead = iter(loader)
    try:
        while (made := _next(ahead)) is not None:
            if isinstance(made, BokehFlowError | RuntimeError):
                raise made
            yield made
    finally:
        # An error would keep it alive by its traceback, and its processes would be waited for at
        # exit for ever.
        del ahead


@contextlib.contextmanager
def _own_child_signals() -> Iterator[None]:
    """Leave the handler of SIGCHLD as it was. PyTorch's raises wherever the caller is when a worker
    has died, in the middle of a step; asked for the next item, it finds out by itself."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGCHLD)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL if before is None else before)


def _next(ahead: Iterator[Made | BokehFlowError]) -> Made | BokehFlowError | RuntimeError | None:
    """The next item or what kept it from being made, None for the end. Raised here, an error would
    keep the iterator, and its workers, by its traceback."""
    try:
        return next(ahead, None)
    except RuntimeError as error:
        said = str(error)
        error.__traceback__ = None  # whose frames hold the error, and so each other
    # What a worker met names it too, by its number instead of its process.
    if "DataLoader worker (pid" not in said:
        return RuntimeError(said)
    return DeviceError(
        "a process that makes batches was ended from outside, as where memory runs out",
        remedy="go on with --resume, with fewer --workers",
    )


class Fetched(Iterator[Made]):
    """An iterator whose next item can be asked for while the device still works on the last one."""

    def __init__(self, source: Iterator[Made]) -> None:
        self._source, self._waiting = source, list[Made]()
        self.failure: BokehFlowError | None = None
        """What kept the next item from being made."""

    def fetch(self) -> None:
        """Have the next item ready, if there is one; a plain error waits until it is asked for."""
        if self._waiting or self.failure is not None:
            return
        try:
            self._waiting += [item for item in [next(self._source, None)] if item is not None]
        except BokehFlowError as error:
            self.failure = error

    def __next__(self) -> Made:
        self.fetch()
        if self.failure is not None:
            raise self.failure
        if not self._waiting:
            raise StopIteration
        return self._waiting.pop()


def _as_it_is(made: Made) -> Made:
    return made


def _leave_signals_to_the_parent(_worker: int) -> None:
    # Ctrl-C reaches every process of a terminal; the parent saves the run and ends its workers.
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)
