"""The words every command uses for weights that have learned nothing."""

from __future__ import annotations

from collections.abc import Sequence

UNTRAINED = (
    "untrained weights: depth and refinement come from a network that has learned nothing yet"
)


def untrained_warning(trained: bool) -> Sequence[str]:
    """The warning that a command shows, or none for trained weights."""
    return () if trained else (UNTRAINED,)
