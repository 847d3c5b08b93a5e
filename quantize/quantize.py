"""Artifact to quantized artifact, with a record of what it cost beside it."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bokehflow.atomic import output_folder
from bokehflow.calibration.sample_set import SampleSet
from bokehflow.defaults import TRUTH_LOSS_DB
from bokehflow.errors import MissingDependencyError, SizeError, UnknownNameError, UsageError
from bokehflow.export import Artifact
from bokehflow.export.artifacts.artifact import seal
from bokehflow.export.artifacts.manifest import (
    PARITY_GOAL_DB,
    Manifest,
    QuantizationFacts,
    tool_versions,
)
from bokehflow.export.artifacts.naming import quantized_path, record_path
from bokehflow.export.artifacts.replacing import require_place
from bokehflow.export.export import require_installed
from bokehflow.installed import installed_version, installed_versions
from bokehflow.json_text import json_text
from bokehflow.quantize.graph_recipes import SEARCHES
from bokehflow.quantize.held_out import HeldOut, Limits
from bokehflow.quantize.job import Job, Outcome
from bokehflow.quantize.nncf_access import quiet_nncf
from bokehflow.quantize.recipes import RECIPES, Recipe, find_recipe
from bokehflow.quantize.record import build_record
from bokehflow.runtimes import open_session
from bokehflow.specs import Size

DEFAULT_SEARCH = next(iter(SEARCHES))


@dataclass(frozen=True, slots=True)
class QuantizeConfig:
    """recipe: a name, None for the target's first. max_drop_db: what `bokeh` may lose against truth
    on the held-out scenes, on average. sensitivity: also measure along a video of 100 frames, which
    takes minutes. search: how a recipe that does so looks for layers to leave in float, a key of
    `graph_recipes.SEARCHES`; None takes the first. Raises UsageError for a limit below 0 or without
    end, UnknownNameError for another search."""

    recipe: str | None = None
    max_drop_db: float = TRUTH_LOSS_DB
    sensitivity: bool = False
    search: str | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.max_drop_db < math.inf:
            raise UsageError(f"max_drop_db={self.max_drop_db}", "a number of decibels, at least 0")
        if self.search is not None and self.search not in SEARCHES:
            raise UnknownNameError("search", self.search, SEARCHES)


@dataclass(frozen=True, slots=True, eq=False)
class Quantized:
    """A quantized artifact, its record (`record.schema.json`), and whether it kept the limits."""

    artifact: Artifact
    record: dict[str, Any]
    record_path: Path
    met: bool


def check_request(artifact: Artifact, config: QuantizeConfig) -> Recipe:
    """The recipe, if the artifact can have it; to be asked before the long work.

    Raises UsageError for an artifact that is quantized already or has not this recipe, or a search
    that the recipe does not make, UnknownNameError for a recipe that does not exist,
    MissingDependencyError without what the target or the recipe needs.
    """
    manifest = artifact.manifest
    if manifest.quantization is not None:
        raise UsageError(
            f"{artifact.given.name} is quantized already, by {manifest.quantization.recipe}",
            "an artifact that bfx export wrote",
        )
    if config.sensitivity and manifest.target == "coreml":
        raise UsageError(
            "the sensitivity of a Core ML package along a video",
            "an ONNX or OpenVINO artifact of the same weights",
            "packages keep no names of the scans, and are evaluated too slowly for 100 frames",
        )
    recipe = find_recipe(config.recipe, manifest.target)
    if config.search is not None and not recipe.searches:
        others = [each.name for each in RECIPES[manifest.target] if each.searches]
        raise UsageError(
            f"a search for layers to leave in float, with recipe {recipe.name}",
            f"a recipe that leaves some: {', '.join(others) or f'none for {manifest.target} does'}",
            "" if others else "leave --search out",
        )
    _require_packages(recipe, manifest.target)
    return recipe


def _require_packages(recipe: Recipe, target: str) -> None:
    require_installed(target, f"quantizing for {target}")
    if recipe.by_nncf:
        with quiet_nncf():
            pass
    if recipe.by_clusters and installed_version("scikit-learn") is None:
        raise MissingDependencyError("scikit-learn", "coreml", f"the recipe {recipe.name}")


def quantized_place(artifact: Artifact, recipe: Recipe, output_dir: Path | None) -> Path:
    """Where what a recipe makes of an artifact is to lie; to be asked before the long work.

    output_dir: as `quantize` has it. Raises UsageError for a folder in an artifact, and OutputError
    for what is in the way, an artifact that was quantized from one of other settings included.
    """
    folder, manifest = output_dir or artifact.given.parent, artifact.manifest
    artifact.require_apart(folder)
    path = quantized_path(artifact.path, manifest.target, manifest.precision, recipe.name)
    path = folder / path.name
    require_place(path, manifest)
    return path


def quantize(
    artifact: Artifact,
    samples: SampleSet,
    config: QuantizeConfig,
    output_dir: Path | None = None,
    advance: Callable[[], None] = lambda: None,
) -> Quantized:
    """Quantize, measure, and write artifact, manifest and record; the best reached is written even
    where no attempt keeps the limits.

    samples: of the artifact's frame size. output_dir: None is beside the artifact as it was given,
    packed or not. Raises what `check_request` and `quantized_place` raise,
    SizeError for samples of another size, CheckError where a quantizer enters what must stay in
    float, NumericalError where outputs are not finite, ArtifactError for an artifact that its
    engine does not take or an end of NNCF's process, and OutputError for what cannot be written or
    an artifact that was exported again in the meantime.
    """
    recipe = check_request(artifact, config)
    path = quantized_place(artifact, recipe, output_dir)
    _require_size(samples, artifact.manifest.frame_size)
    limits = Limits(config.max_drop_db, PARITY_GOAL_DB["int8"])
    started = time.perf_counter()
    held_out = HeldOut(artifact.manifest, open_session(artifact))
    advance()
    outcome = recipe.run(
        Job(artifact, samples, held_out, limits, config.search or DEFAULT_SEARCH, advance)
    )
    manifest = _manifest(artifact, samples, recipe, outcome)
    seconds = time.perf_counter() - started
    # All that takes long comes before the first file.
    along_video = outcome.along_video if config.sensitivity else None
    more = along_video() if along_video is not None else {}

    recorded: dict[str, Any] = {}

    def record(made: Manifest) -> dict[str, Any]:
        facts = build_record(path.name, made, artifact, samples, outcome, limits, seconds)
        recorded.update(facts | more)
        return recorded

    with output_folder(path.parent):
        made = seal(
            path,
            manifest,
            lambda at: outcome.write(at, manifest.embedded()),
            record,
            artifact.manifest_now,
        )
    written = json.loads(json_text(recorded))
    return Quantized(made, written, record_path(path), limits.met_by(outcome.loss))


def _require_size(samples: SampleSet, size: Size) -> None:
    height, width = samples.frames.shape[1:3]
    if (height, width) != (size.height, size.width):
        raise SizeError(f"calibration samples of {height}x{width}", str(size))


def _manifest(artifact: Artifact, samples: SampleSet, recipe: Recipe, outcome: Outcome) -> Manifest:
    source = artifact.manifest
    return dataclasses.replace(
        source,
        precision=recipe.name,
        parity=None,
        budget=dataclasses.replace(source.budget, parity_db=PARITY_GOAL_DB["int8"]),
        tools={**tool_versions(), **installed_versions(["nncf"])},
        quantization=QuantizationFacts(
            recipe=recipe.name,
            source_sha256=source.artifact_sha256,
            source_precision=source.precision,
            calibration_sha256=samples.sha256(),
            calibration_samples=len(samples),
            quantized_layers=list(outcome.quantized),
            float_layers=list(outcome.floats),
        ),
    )
