"""How far arrays are from those they should be, in decibels: the reference first, then the test."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bokehflow.signature import SCAN_STATE

DECIBEL_CEILING = 200.0
"""What identical arrays score; JSON has no infinity."""

Array = NDArray[np.floating[Any]]


class FrameDifference(NamedTuple):
    """How far the outputs of one frame are from the reference's, in decibels.

    bokeh_psnr_db: peak 1. depth_sqnr_db: of inverse depth. state_sqnr_db: of the scans' state after
    the frame.
    """

    bokeh_psnr_db: float
    depth_sqnr_db: float
    state_sqnr_db: float


def frame_difference(reference: Mapping[str, Array], test: Mapping[str, Array]) -> FrameDifference:
    """Of two outputs of the same frame, by the names that sessions give them."""
    return FrameDifference(
        psnr_db(reference["bokeh"], test["bokeh"]),
        sqnr_db(1.0 / reference["depth"], 1.0 / test["depth"]),
        sqnr_db(reference[SCAN_STATE], test[SCAN_STATE]),
    )


def psnr_db(reference: Array, test: Array) -> float:
    """Peak signal (1.0) to mean squared error, in decibels."""
    return decibels(1.0, _power(_difference(reference, test)))


def sqnr_db(reference: Array, test: Array) -> float:
    """Mean square of the reference to that of the error, in decibels."""
    return decibels(_power(reference), _power(_difference(reference, test)))


def decibels(signal: float, noise: float) -> float:
    """Ratio of two powers in decibels, at most DECIBEL_CEILING either way."""
    if signal <= 0.0:
        return DECIBEL_CEILING if noise <= 0.0 else -DECIBEL_CEILING
    floor = signal * 10.0 ** (-DECIBEL_CEILING / 10.0)
    return float(max(10.0 * np.log10(signal / max(noise, floor)), -DECIBEL_CEILING))


def rounded_down(decibels: float, digits: int = 2) -> float:
    """To hundredths, and never up: what misses a bar is not to be written as that bar. A value that
    is a hundredth but for the last of its binary digits stays it."""
    parts = 10.0**digits
    return math.floor(round(parts * decibels, 6)) / parts


def _difference(reference: Array, test: Array) -> Array:
    return reference.astype(np.float64) - test.astype(np.float64)


def _power(x: Array) -> float:
    return float(np.mean(np.square(x.astype(np.float64))))
