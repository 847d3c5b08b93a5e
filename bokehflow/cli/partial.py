"""What a command tells that ends before its last part: the parts before it took minutes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from bokehflow.cli.interruption import Terminated, interruption, what_ended
from bokehflow.errors import BokehFlowError

T = TypeVar("T")


class Ended(NamedTuple):
    """Why the rest was not done, and the exit code."""

    reason: str
    exit_code: int

    def warning(self, done: int, planned: int, parts: str) -> str:
        """How far it came, and why no farther. parts: what they are, in the plural."""
        return f"ended after {done} of {planned} {parts}: {self.reason}"


def until_ended(parts: Iterable[T]) -> tuple[list[T], Ended | None]:
    """The parts, each done when it is asked for, and what ended them early: an error raised on
    purpose, Ctrl-C, or a signal that asks to end. Raised where there is no part to keep."""
    done: list[T] = []
    try:
        done.extend(parts)
    except (Exception, KeyboardInterrupt, Terminated) as error:
        cause = what_ended(error)
        if done and isinstance(cause, BokehFlowError):
            return done, Ended(str(cause), cause.exit_code)
        if done and isinstance(cause, KeyboardInterrupt | Terminated):
            return done, Ended(*interruption(cause))
        raise
    return done, None
