"""The check that every session makes of what it is fed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bokehflow.errors import SizeError, UsageError


def checked_feeds(
    feeds: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    """The feeds as contiguous float32 arrays in the order of `shapes`.

    Raises UsageError for missing or unknown names, SizeError for another shape.
    """
    missing, unknown = sorted(set(shapes) - set(feeds)), sorted(set(feeds) - set(shapes))
    if missing or unknown:
        raise UsageError(
            f"inputs missing: {missing}, unknown: {unknown}", "exactly " + ", ".join(shapes)
        )
    for name, shape in shapes.items():
        if feeds[name].shape != shape:
            raise SizeError(f"input {name} of shape {feeds[name].shape}", str(shape))
    return {name: np.ascontiguousarray(feeds[name], dtype=np.float32) for name in shapes}
