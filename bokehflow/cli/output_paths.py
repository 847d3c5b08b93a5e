"""Whether an output has a path of its own, so that writing it destroys nothing that is needed."""

from __future__ import annotations

import os
from pathlib import Path

from bokehflow.errors import UsageError


def require_apart(output: Path, other: Path) -> None:
    """Raise UsageError where an output is the same file as an input or another output."""
    if _is_same(output, other):
        raise UsageError(
            f"the output {output} is also an input or another output",
            "a path of its own for every output",
        )


def require_not_within(output: Path, folder: Path) -> None:
    """Raise UsageError where an output lies in a folder whose files come and go by their names."""
    if any(_is_same(place, folder) for place in Path(os.path.realpath(output)).parents):
        raise UsageError(
            f"the output {output} lies in {folder}, from which files are removed",
            "a path outside of that folder",
        )


def outside_artifacts(output: Path | None) -> Path | None:
    """An output as it is, for the options that take one.

    Raises UsageError where it lies in the folder of an artifact, which it would spoil.
    """
    if output is not None and _may_lie_in_one(output):
        from bokehflow.export.artifacts.artifact import require_outside

        require_outside(output)
    return output


def _may_lie_in_one(output: Path) -> bool:
    # Few folders have such a namesake, and the package that knows artifacts takes long to import.
    place = Path(os.path.realpath(output))
    return any(Path(f"{folder}.json").is_file() for folder in (place, *place.parents))


def _is_same(first: Path, second: Path) -> bool:
    # Two names can be one file: links, or a file system that ignores case.
    if first.exists() and second.exists():
        return first.samefile(second)
    return os.path.realpath(first) == os.path.realpath(second)
