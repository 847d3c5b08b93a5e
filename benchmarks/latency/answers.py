"""A runner's answer, told from a login's chatter and checked: another machine wrote it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Literal

from bokehflow.benchmarks.latency.runner.serve import MARK
from bokehflow.errors import DeviceError, InputError, UnknownNameError, UsageError
from bokehflow.typed_json import typed

LONGEST_LINE_BYTES = 2**26
"""A million timed frames take a third of it."""
Status = Literal["ok", "crashed", "failed", "timed out", "not run"]


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine that ran the job, as `runner.host.describe_host` tells it; None if unknown.
    Raises UsageError for one without a processor."""

    processor: str | None
    machine: str
    system: str
    cpu_count: int
    memory_bytes: int | None
    gpu: str | None
    python: str

    def __post_init__(self) -> None:
        _at_least_one("cpu_count", self.cpu_count)


@dataclass(frozen=True, slots=True)
class Memory:
    """Peaks as `runner.measure` takes them; None where the system does not tell."""

    process_peak_bytes: int | None
    model_peak_bytes: int | None
    device_peak_bytes: int | None


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds to load the model, for its first frame and for every timed one after those to
    warm up, by a runtime of that version on that device. Raises UsageError for times below 0, for
    frames that took none and for no frame: speeds are made of them."""

    version: str
    device: str
    load_ms: float
    first_ms: float
    frame_ms: tuple[float, ...]
    memory: Memory

    def __post_init__(self) -> None:
        _not_negative("load_ms", self.load_ms)
        _not_negative("first_ms", self.first_ms)
        if not self.frame_ms or min(self.frame_ms) <= 0.0:
            least = min(self.frame_ms, default=None)
            raise UsageError(f"the least of frame_ms is {least}", "frames of more than 0 ms")


@dataclass(frozen=True, slots=True)
class Stages:
    """Milliseconds by node, the mean of so many frames; or why the profiler told none, an error.
    Raises UsageError for times below 0, and for those of no frame."""

    frames: int = 0
    node_ms: dict[str, float] = field(default_factory=dict)
    error: str | None = None

    def __post_init__(self) -> None:
        if self.error is None:
            _at_least_one("frames", self.frames)
        for name, node_ms in self.node_ms.items():
            _not_negative(f"node_ms.{name}", node_ms)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a job: its times where it is "ok", and else the reason. missing: the packages
    that its machine lacks, where it was not run for that. Raises UsageError for one whose parts do
    not go together."""

    status: Status
    reason: str | None
    host: Machine
    times: Times | None = None
    stages: Stages | None = None
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.status == "ok") != (self.times is not None):
            raise UsageError(f"status is {self.status!r}", "ok with times, another without")
        if self.status != "ok" and self.reason is None:
            raise UsageError(f"status is {self.status!r} without a reason", "the reason")
        if self.missing and self.status != "not run":
            raise UsageError(f"status is {self.status!r}", "not run, where packages are missing")


@dataclass(frozen=True, slots=True)
class MissingModules:
    """A job that was refused: the machine's Python has no such modules. Raises UsageError for
    none."""

    modules: tuple[str, ...]
    host: Machine

    def __post_init__(self) -> None:
        _at_least_one("the number of modules", len(self.modules))


@dataclass(frozen=True, slots=True)
class OldPython:
    """A job that was refused: the machine's Python is of a version that does not run it."""

    version: str


@dataclass(frozen=True, slots=True)
class FullDisk:
    """A job that was refused: it does not fit on the machine's disk."""

    message: str


Refusal = MissingModules | OldPython | FullDisk
_EVENTS: Mapping[str, type[Answer | Refusal]] = {
    "done": Answer,
    "missing": MissingModules,
    "python": OldPython,
    "disk": FullDisk,
}


def read_answer(stream: IO[bytes], name: str) -> Answer | Refusal | None:
    """The runner's one answer among whatever else a login prints; None if there is none, or one
    that was cut off.

    Raises DeviceError, which calls the machine `name`, for an answer that is no whole record and
    for a line longer than `LONGEST_LINE_BYTES`.
    """
    while line := stream.readline(LONGEST_LINE_BYTES + 1):
        if len(line) > LONGEST_LINE_BYTES:
            raise DeviceError(
                f"{name} wrote a line of more than {LONGEST_LINE_BYTES} bytes",
                "the runner's answer",
                "see what a login there prints",
            )
        text = line.decode(errors="replace")
        # A greeting may begin with the same word; a record is an object.
        if text.startswith(MARK + "{"):
            return _checked(text[len(MARK) :], name) if text.endswith("\n") else None
    return None


def _checked(text: str, name: str) -> Answer | Refusal:
    try:
        return _answer(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise _broken(name, f"it cannot be read: {error}") from error
    except (InputError, UsageError) as error:
        raise _broken(name, error.found, error.expected) from error


def _answer(facts: dict[str, Any]) -> Answer | Refusal:
    event = typed(str, facts.pop("event", None), "event")
    if event not in _EVENTS:
        raise UnknownNameError("event", event, _EVENTS)
    answer: Answer | Refusal = typed(_EVENTS[event], facts, "")
    return answer


def _broken(name: str, why: str, expected: str = "") -> DeviceError:
    return DeviceError(
        f"the answer of {name} is no whole record: {why}",
        expected or "what the runner that was sent writes",
        "see whether a login there changes what programs print",
    )


def _at_least_one(name: str, value: int) -> None:
    if value < 1:
        raise UsageError(f"{name} is {value}", "at least 1")


def _not_negative(name: str, value: float) -> None:
    if value < 0.0:
        raise UsageError(f"{name} is {value}", "at least 0 ms")
