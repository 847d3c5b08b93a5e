"""What a recipe recorded of a quantized artifact, as far as a report tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecordedLayer:
    """A layer's `quantize.layers.LayerNoise`, and whether it was left in float."""

    layer: str
    sqnr_db: float
    kept_float: bool


@dataclass(frozen=True, slots=True)
class ScanNoise:
    """Signal to error of one block's scans: by direction, and by tenth of the way along them."""

    layer: str
    sqnr_db: float
    by_direction: dict[str, float]
    by_position: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class DriftPoint:
    """The carried state after a frame: its norm in float and quantized, and the signal to error."""

    frame: int
    source_norm: float
    norm: float
    sqnr_db: float


@dataclass(frozen=True, slots=True)
class Gate:
    """Mean share of tokens at which the gates of one block's scans are as good as shut or open."""

    layer: str
    alpha_near_1: float
    beta_near_0: float
    beta_near_1: float


@dataclass(frozen=True, slots=True)
class LayerInput:
    """Range of one layer's input over the calibration samples, in the float model.

    outlier_ratio: the largest magnitude over the 99.9th percentile, which 8 bits pay for.
    """

    layer: str
    least: float
    most: float
    rms: float
    outlier_ratio: float


@dataclass(frozen=True, slots=True)
class StateGrowth:
    """Mean norm of each block's carried state after that frame of a calibration run: depth blocks,
    then as many bokeh blocks. samples: how many were calibrated on."""

    frame: int
    samples: int
    norms: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Quantization:
    """What the recipe recorded: layers by noise, the most first; the rest empty where not asked.

    facts: label to value, of the recipe and of its calibration. weights_alone: layers compute in
    float, on weights that were quantized.
    """

    facts: Mapping[str, str]
    weights_alone: bool = False
    layers: tuple[RecordedLayer, ...] = ()
    scans: tuple[ScanNoise, ...] = ()
    drift: tuple[DriftPoint, ...] = ()
    gates: tuple[Gate, ...] = ()
    inputs: tuple[LayerInput, ...] = ()
    growth: tuple[StateGrowth, ...] = ()
