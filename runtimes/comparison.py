"""How far arrays are from those they should be, in decibels: the reference first, then the test."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

DECIBEL_CEILING = 200.0
"""What identical arrays score; JSON has no infinity."""

Array = NDArray[np.floating[Any]]


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
