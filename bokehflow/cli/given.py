"""Which options were given, and which go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from bokehflow.errors import UsageError

T = TypeVar("T")


def or_default(given: T | None, default: T) -> T:
    """What was given, even if it is empty; the default where nothing was."""
    return default if given is None else given


def given_names(options: Mapping[str, object]) -> list[str]:
    """The names of the options that were given: whose value is neither None nor False."""
    return [name for name, value in options.items() if value is not None and value is not False]


def require_alone(option: str, others: Sequence[str]) -> None:
    """Raise UsageError where others are given beside an option that decides or drops them."""
    if others:
        raise UsageError(
            f"{option} together with " + ", ".join(others),
            f"{option} without them: it decides these itself or has no use for them",
        )


def require_beside(needed: str, dependents: Mapping[str, object]) -> None:
    """Raise UsageError where options are given that do nothing without another, which is not."""
    given = given_names(dependents)
    if given:
        beside = "it" if len(given) == 1 else "them"
        raise UsageError(f"{', '.join(given)} without {needed}", f"{needed} beside {beside}")
