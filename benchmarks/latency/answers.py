"""A runner's answer, told from a login's chatter and checked: another machine wrote it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import IO, Any

from bokehflow.benchmarks.latency.runner.serve import MARK
from bokehflow.errors import DeviceError

LONGEST_LINE_BYTES = 2**26
"""A million timed frames take a third of it."""
STATUSES = ("ok", "crashed", "failed", "timed out", "not run")

Kind = Callable[[Any], bool]


def read_answer(stream: IO[bytes], name: str) -> dict[str, Any] | None:
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


def _checked(text: str, name: str) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _broken(name, f"it cannot be read: {error}") from error
    if not _is_answer(answer):
        shown = text if len(text) <= 80 else f"{text[:80]}..."
        raise _broken(name, f"it says {shown!r}")
    return answer


def _broken(name: str, why: str) -> DeviceError:
    return DeviceError(
        f"the answer of {name} is no whole record: {why}",
        "what the runner that was sent writes",
        "see whether a login there changes what programs print",
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    """Finite, and not a truth value."""
    # A whole number can be beyond all floats, which `isfinite` would not take.
    return type(value) in (int, float) and -sys.float_info.max <= value <= sys.float_info.max


def _is_time(value: Any) -> bool:
    """Milliseconds that took a while: speeds are made of them."""
    return _is_number(value) and value >= 0


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1


def _or_none(kind: Kind) -> Kind:
    return lambda value: value is None or kind(value)


def _list_of(kind: Kind) -> Kind:
    """A list that holds something."""
    return lambda value: isinstance(value, list) and bool(value) and all(map(kind, value))


def _holding(kinds: Mapping[str, Kind]) -> Kind:
    """An object with at least these fields."""
    return lambda value: (
        isinstance(value, dict) and all(key in value and kinds[key](value[key]) for key in kinds)
    )


_BYTES = _or_none(lambda value: type(value) is int)
_HOST = _holding(
    {
        "processor": _or_none(_is_text),
        "machine": _is_text,
        "system": _is_text,
        "cpu_count": _is_count,
        "memory_bytes": _BYTES,
        "gpu": _or_none(_is_text),
        "python": _is_text,
    }
)
_TIMES = _holding(
    {
        "version": _is_text,
        "device": _is_text,
        "load_ms": _is_time,
        "first_ms": _is_time,
        "frame_ms": _list_of(lambda value: _is_number(value) and value > 0),
        "memory": _holding(
            dict.fromkeys(("process_peak_bytes", "model_peak_bytes", "device_peak_bytes"), _BYTES)
        ),
    }
)
_NODES = _holding(
    {
        "frames": _is_count,
        "node_ms": lambda value: isinstance(value, dict) and all(map(_is_time, value.values())),
    }
)
_NO_NODES = _holding({"error": _is_text})


def _is_done(answer: Any) -> bool:
    known = {"status": lambda s: s in STATUSES, "reason": _or_none(_is_text), "host": _HOST}
    if not _holding(known)(answer):
        return False
    if answer["status"] != "ok":
        return answer["reason"] is not None and "times" not in answer
    stages = answer.get("stages")
    return _TIMES(answer.get("times")) and (stages is None or _NO_NODES(stages) or _NODES(stages))


_EVENTS: Mapping[str, Kind] = {
    "done": _is_done,
    "missing": _holding({"modules": _list_of(_is_text)}),
    "python": _holding({"version": _is_text}),
    "disk": _holding({"message": _is_text}),
}


def _is_answer(answer: Any) -> bool:
    event = answer.get("event") if isinstance(answer, dict) else None
    return isinstance(event, str) and event in _EVENTS and _EVENTS[event](answer)
