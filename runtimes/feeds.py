"""The check that every session makes of what it is fed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bokehflow.errors import SizeError, UsageError


def checked_feeds(
    feeds: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    """The feeds as contiguous float32 arrays in the order of `shapes`, copied where they may not be
    written to: engines take no others.

    Raises UsageError for missing or unknown names and for what is no array of floats, SizeError for
    another shape.
    """
    missing, unknown = sorted(set(shapes) - set(feeds)), sorted(set(feeds) - set(shapes))
    if missing or unknown:
        raise UsageError(
            f"inputs missing: {missing}, unknown: {unknown}", "exactly " + ", ".join(shapes)
        )
    for name, shape in shapes.items():
        given: object = feeds[name]
        if not isinstance(given, np.ndarray) or given.dtype.kind != "f":
            kind = given.dtype if isinstance(given, np.ndarray) else type(given).__name__
            raise UsageError(f"input {name} of {kind}", "an array of float32")
        if feeds[name].shape != shape:
            raise SizeError(f"input {name} of shape {feeds[name].shape}", str(shape))
    return {name: np.require(feeds[name], np.float32, ["C", "W"]) for name in shapes}
