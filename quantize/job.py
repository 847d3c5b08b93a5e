"""What a recipe is given and what it gives back, whatever the format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bokehflow.calibration.sample_set import SampleSet
from bokehflow.export import Artifact
from bokehflow.quantize.held_out import HeldOut, Limits, Loss
from bokehflow.quantize.layers import LayerNoise


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """search: how layers to leave in float are searched for, a key of `graph_recipes.SEARCHES`.
    advance: called after every stage that takes more than a second."""

    artifact: Artifact
    samples: SampleSet
    held_out: HeldOut
    limits: Limits
    search: str
    advance: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Tried:
    """How many layers an attempt left in float, and what it lost."""

    floats: int
    loss: Loss


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A quantized model that is still to be written.

    write: puts the artifact at a path, with metadata inside. loss: of the chosen attempt.
    quantized: layers that read 8-bit activations. floats: layers that the recipe left in float
    because they cost too much. search: how it looked for them, None where it had no need to.
    noises: every quantized layer, the noisiest first. along_video: measures `frames`, `scans` and
    `drift` of the record; None where a format cannot. ranged: how many samples set the ranges of
    activations, where not all do; 0 where weights alone have fewer bits.
    """

    write: Callable[[Path, Mapping[str, str]], None]
    loss: Loss
    quantized: tuple[str, ...] = ()
    floats: tuple[str, ...] = ()
    search: str | None = None
    noises: tuple[LayerNoise, ...] = ()
    tried: tuple[Tried, ...] = ()
    along_video: Callable[[], dict[str, Any]] | None = None
    ranged: int | None = None
