"""Decibels by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bokehflow.runtimes.comparison import DECIBEL_CEILING, decibels, psnr_db, rounded_down, sqnr_db
from tests.tolerances import DECIBELS_BY_HAND


def test_arrays_against_their_reference() -> None:
    reference = np.full((2, 2), 0.5, np.float32)
    assert psnr_db(reference, reference + 0.1) == pytest.approx(20.0, abs=DECIBELS_BY_HAND)
    assert sqnr_db(reference, reference * 1.1) == pytest.approx(20.0, abs=DECIBELS_BY_HAND)
    assert psnr_db(reference, reference) == DECIBEL_CEILING
    assert sqnr_db(reference * 0, reference) == -DECIBEL_CEILING


def test_hundredths_stay_and_what_is_below_one_is_not_rounded_up() -> None:
    hundredths = [number / 100 for number in range(20_001)]
    assert [rounded_down(value) for value in hundredths] == hundredths
    assert rounded_down(79.99999) == 79.99


@pytest.mark.parametrize(
    ("signal", "noise", "expected"),
    [(100.0, 1.0, 20.0), (0.0, 0.0, DECIBEL_CEILING), (1e-30, 1.0, -DECIBEL_CEILING)],
)
def test_no_ratio_goes_beyond_the_ceiling(signal: float, noise: float, expected: float) -> None:
    assert decibels(signal, noise) == expected
