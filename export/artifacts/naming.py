"""Where an artifact and its manifest are found."""

from __future__ import annotations

from pathlib import Path

from bokehflow.errors import ArtifactError
from bokehflow.export.config import ExportConfig
from bokehflow.export.targets import TARGET_FACTS
from bokehflow.layers.segments import TemporalConfig

MANIFEST_SUFFIX = ".json"
RECORD_SUFFIX = ".quantization.json"
"""Of what `bfx quantize` writes beside what it made."""


def artifact_name(variant: str, config: ExportConfig, temporal: TemporalConfig) -> str:
    """`bokehflow-<variant>_<HxW>_net<HxW|full>_<precision>` and the format's ending; how the state
    is carried before the precision, unless it is the document's way."""
    full = config.network_size == config.frame_size
    network = "full" if full else str(config.network_size)
    carried = "" if temporal == TemporalConfig() else f"_{temporal.tsp}{temporal.segments}"
    stem = f"bokehflow-{variant}_{config.frame_size}_net{network}{carried}"
    return f"{stem}_{config.chosen_precision}{TARGET_FACTS[config.target].ending}"


def quantized_path(path: Path, target: str, precision: str, recipe: str) -> Path:
    """Where the quantized form of an artifact lies, beside it: the recipe in its precision's place,
    or behind it where it is not the target's own.

    precision: the artifact's own, as its manifest says. A renamed artifact gets the recipe added.
    """
    facts = TARGET_FACTS[target]
    stem = path.name.removesuffix(facts.ending)
    if precision == facts.own_precision:
        stem = stem.removesuffix(f"_{precision}")
    return path.with_name(f"{stem}_{recipe}{facts.ending}")


def endings() -> tuple[str, ...]:
    """What names of artifacts end with."""
    return tuple(facts.ending for facts in TARGET_FACTS.values())


def target_by_ending(path: Path) -> str | None:
    """The target whose artifacts' names end like this one, None where no target's do."""
    ends = ((target, facts.ending) for target, facts in TARGET_FACTS.items())
    return next((target for target, end in ends if path.name.endswith(end)), None)


def manifest_path(artifact: Path) -> Path:
    """The manifest beside an artifact: its whole name, ending included, and `.json`."""
    return artifact.with_name(artifact.name + MANIFEST_SUFFIX)


def record_path(artifact: Path) -> Path:
    """The record of its quantization beside an artifact."""
    return artifact.with_name(artifact.name + RECORD_SUFFIX)


def files_beside(artifact: Path) -> list[Path]:
    """The manifest and the record of its quantization, those that lie beside an artifact.

    Other files that begin with its name are a neighbour's, or a user's own.
    """
    named = (manifest_path(artifact), record_path(artifact))
    return [path for path in named if path.is_file()]


def artifact_path(path: Path) -> Path:
    """The artifact that `path` means: itself, or the one whose manifest it is.

    Raises ArtifactError for a path that leaves an artifact no name.
    """
    if not path.name:  # as of "."
        path = path.resolve()
    name = path.name.removesuffix(MANIFEST_SUFFIX)
    if not name:
        raise ArtifactError(f"no artifact at {path}", remedy="make one with bfx export")
    return path.with_name(name)
