"""High dynamic range as sRGB: every curve against its recommendation, and what must hold of all."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from bokehflow.media.tone_map import (
    BT709_FROM_BT2020,
    PEAK_NITS,
    WHITE_NITS,
    Transfer,
    hlg_to_nits,
    nits_to_pq,
    pq_to_nits,
    rolled_off,
    tone_mapped,
)
from tests import tolerances as tol

RED_GREEN_BLUE_WHITE = {
    "BT.709": ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), (0.3127, 0.3290)),
    "BT.2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), (0.3127, 0.3290)),
}


def grey(signal: float) -> torch.Tensor:
    return torch.full((1, 3, 1, 1), signal, dtype=torch.float64)


def plain_hlg(signal: float) -> float:
    """BT.2100-2, table 5, for grey on a display of 1000 cd/m2."""
    a = 0.17883277
    b, c = 1.0 - 4.0 * a, 0.5 - a * math.log(4.0 * a)
    scene = signal**2 / 3.0 if signal <= 0.5 else (math.exp((signal - c) / a) + b) / 12.0
    return 1000.0 * scene**1.2


def plain_pq(signal: float) -> float:
    """BT.2100-2, table 4."""
    m1, m2 = 0.1593017578125, 78.84375
    c1, c2, c3 = 0.8359375, 18.8515625, 18.6875
    root = signal ** (1.0 / m2)
    return 10_000.0 * (max(root - c1, 0.0) / (c2 - c3 * root)) ** (1.0 / m1)


@pytest.mark.parametrize("signal", [0.0, 0.1, 0.5, 0.75, 1.0])
def test_signals_become_the_light_that_the_recommendation_says(signal: float) -> None:
    hlg, pq = hlg_to_nits(grey(signal)), pq_to_nits(grey(signal))
    assert hlg.flatten().tolist() == pytest.approx([plain_hlg(signal)] * 3, rel=tol.TONE_CURVE)
    assert pq.flatten().tolist() == pytest.approx([plain_pq(signal)] * 3, rel=tol.TONE_CURVE)


def test_reference_white_is_where_its_report_puts_it() -> None:
    assert float(hlg_to_nits(grey(0.75))[0, 0]) == pytest.approx(WHITE_NITS, abs=tol.KNOWN_NITS)
    assert float(pq_to_nits(grey(0.58))[0, 0]) == pytest.approx(WHITE_NITS, abs=tol.KNOWN_NITS)


def test_pq_goes_both_ways() -> None:
    nits = torch.tensor([0.01, 1.0, 100.0, 10_000.0], dtype=torch.float64)
    torch.testing.assert_close(pq_to_nits(nits_to_pq(nits)), nits, rtol=tol.TONE_CURVE, atol=0.0)


def test_the_roll_off_leaves_the_dark_alone_and_ends_at_white() -> None:
    nits = torch.linspace(0.0, 4.0 * PEAK_NITS, 4001, dtype=torch.float64)
    shown = rolled_off(nits)
    assert bool((shown.diff() >= 0.0).all())
    assert torch.equal(shown[nits < 50.0], nits[nits < 50.0])
    ends = shown[nits >= PEAK_NITS]
    torch.testing.assert_close(
        ends, torch.full_like(ends, WHITE_NITS), rtol=tol.TONE_CURVE, atol=0.0
    )


def test_primaries_are_those_of_the_two_standards() -> None:
    def to_xyz(name: str) -> np.ndarray:
        *primaries, white = (np.array([x / y, 1.0, (1.0 - x - y) / y])
                             for x, y in RED_GREEN_BLUE_WHITE[name])  # fmt: skip
        columns = np.stack(primaries, axis=1)
        return columns * np.linalg.solve(columns, white)

    wanted = np.linalg.solve(to_xyz("BT.709"), to_xyz("BT.2020"))
    np.testing.assert_allclose(BT709_FROM_BT2020, wanted, rtol=0.0, atol=tol.SIX_DIGITS)


@pytest.mark.parametrize("transfer", ["HLG", "PQ"])
def test_grey_stays_grey_and_brighter_stays_brighter(transfer: Transfer) -> None:
    ramp = torch.linspace(0.0, 1.0, 257).expand(1, 3, 1, 257)
    shown = tone_mapped(ramp, transfer)
    assert float(shown.min()) == 0.0
    assert float(shown.max()) == pytest.approx(1.0, abs=tol.FP32_EQUAL)
    assert float((shown.amax(1) - shown.amin(1)).max()) < tol.FP32_EQUAL
    assert bool((shown[0, 0, 0].diff() >= 0.0).all())


def test_bright_colours_keep_their_hue() -> None:
    signal = torch.tensor([0.95, 0.6, 0.6], dtype=torch.float64).reshape(1, 3, 1, 1)
    red, green, blue = tone_mapped(signal, "HLG").flatten().tolist()
    assert red > green > 0.0
    assert red > blue > 0.0
