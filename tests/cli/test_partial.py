"""What is kept of parts that are done one after the other, when one of them ends the command."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bokehflow.cli import interruption
from bokehflow.cli.partial import Ended, until_ended
from bokehflow.errors import UsageError


def ended_by(error: BaseException, *parts: int) -> Iterator[int]:
    yield from parts
    raise error


def test_all_parts_and_nothing_that_ended_them() -> None:
    assert until_ended(iter((1, 2))) == ([1, 2], None)


def test_parts_are_kept_and_the_reason_with_the_exit_code() -> None:
    parts, ended = until_ended(ended_by(UsageError("no sense"), 1, 2))
    assert (parts, ended) == ([1, 2], Ended("no sense", 2))
    assert ended.warning(2, 3, "targets") == "ended after 2 of 3 targets: no sense"


def test_parts_are_kept_where_a_package_makes_an_error_of_its_own_of_a_signal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interruption, "_asked", [KeyboardInterrupt()])
    assert until_ended(ended_by(ValueError("no shape"), 1)) == ([1], Ended("interrupted", 130))


@pytest.mark.parametrize(
    ("error", "parts"),
    [(KeyboardInterrupt(), ()), (UsageError("no sense"), ()), (ValueError("ours"), (1,))],
    ids=["no part before Ctrl-C", "no part before an error", "an error of our own"],
)
def test_what_ended_them_is_raised(error: BaseException, parts: tuple[int, ...]) -> None:
    with pytest.raises(type(error)):
        until_ended(ended_by(error, *parts))
