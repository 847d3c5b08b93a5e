"""Items asked for while the last one is still in use."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator

import pytest

from bokehflow.errors import DeviceError, InputError
from bokehflow.training.ahead import Fetched, Making, made_ahead

PROCESS_END_S = 20.0


def counted(asked: list[int], count: int = 3) -> Iterator[int]:
    for number in range(count):
        asked.append(number)
        yield number


def test_items_come_in_order_whether_fetched_or_not() -> None:
    asked: list[int] = []
    source = Fetched(counted(asked))
    assert next(source) == 0
    assert asked == [0]
    source.fetch()
    source.fetch()
    assert asked == [0, 1]
    assert list(source) == [1, 2]


def test_there_may_be_nothing_to_fetch() -> None:
    source = Fetched(counted([], 1))
    assert next(source) == 0
    source.fetch()
    assert list(source) == []


def test_an_error_in_making_is_raised_when_it_is_met() -> None:
    def broken() -> Iterator[int]:
        yield 0
        raise InputError("a damaged clip")

    source = Fetched(broken())
    assert next(source) == 0
    source.fetch()
    assert str(source.failure) == "a damaged clip"
    with pytest.raises(InputError, match="damaged"):
        next(source)


class Ending:
    """Makes a batch of nothing, and ends its process at the second."""

    def __call__(self, step: int, _part: tuple[int, int]) -> int:
        if step == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return step


class Failing:
    """Makes a batch of nothing, and a plain error at the second."""

    def __call__(self, step: int, _part: tuple[int, int]) -> int:
        if step == 1:
            raise InputError("a damaged clip")
        return step


class Mistaken:
    """Makes no batch, for a reason that nobody foresaw."""

    def __call__(self, _step: int, _part: tuple[int, int]) -> int:
        raise RuntimeError("a mistake of ours")


def test_a_mistake_in_a_process_is_no_lack_of_memory() -> None:
    making: Making[int] = Making(Mistaken(), (0, 1), int)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        list(made_ahead(making, range(3), 1))


def test_an_error_leaves_no_process_behind() -> None:
    making: Making[int] = Making(Failing(), (0, 1), int)  # type: ignore[arg-type]
    before = signal.getsignal(signal.SIGCHLD)
    with pytest.raises(InputError, match="damaged") as kept:
        list(made_ahead(making, range(3), 1))
    for process in multiprocessing.active_children():
        process.join(PROCESS_END_S)
    assert kept.value is not None
    assert not multiprocessing.active_children()
    assert signal.getsignal(signal.SIGCHLD) is before


def test_a_process_that_was_ended_is_told() -> None:
    making: Making[int] = Making(Ending(), (0, 1), int)  # type: ignore[arg-type]
    made = made_ahead(making, range(3), 1)
    with pytest.raises(DeviceError, match="ended from outside"):
        list(made)
