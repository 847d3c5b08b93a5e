"""Options that exclude others."""

from __future__ import annotations

from collections.abc import Sequence

from bokehflow.errors import UsageError


def require_alone(option: str, others: Sequence[str]) -> None:
    """Raise UsageError where others are given beside an option that decides or drops them."""
    if others:
        raise UsageError(
            f"{option} together with " + ", ".join(others),
            f"{option} without them: it decides these itself or has no use for them",
        )
