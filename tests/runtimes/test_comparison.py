"""Decibels by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bokehflow.runtimes.comparison import (
    DECIBEL_CEILING,
    decibels,
    frame_difference,
    psnr_db,
    rounded_down,
    sqnr_db,
)
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


def test_a_frames_outputs_against_the_references() -> None:
    ones = np.ones((1, 1, 2, 2), np.float32)
    reference = {"bokeh": 0.5 * ones, "depth": ones / 3.0, "next_state_scan": 8.0 * ones}
    test = {"bokeh": 0.6 * ones, "depth": ones / 3.3, "next_state_scan": 8.8 * ones}
    found = frame_difference(reference, test)
    assert found == pytest.approx((20.0, 20.0, 20.0), abs=DECIBELS_BY_HAND)
    assert frame_difference(reference, reference | {"depth": ones}) == (
        DECIBEL_CEILING,
        pytest.approx(sqnr_db(3.0 * ones, ones)),
        DECIBEL_CEILING,
    )


@pytest.mark.parametrize(
    ("signal", "noise", "expected"),
    [(100.0, 1.0, 20.0), (0.0, 0.0, DECIBEL_CEILING), (1e-30, 1.0, -DECIBEL_CEILING)],
)
def test_no_ratio_goes_beyond_the_ceiling(signal: float, noise: float, expected: float) -> None:
    assert decibels(signal, noise) == expected
