"""What a tensor repeats is found, along any axes, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

from bokehflow.export.repeats import repeated

PART = np.random.default_rng(0).normal(size=(2, 3, 5)).astype(np.float32)


@pytest.mark.parametrize("counts", [(4, 1, 1), (1, 7, 1), (1, 1, 2), (3, 2, 4)])
def test_the_part_and_its_counts_are_found(counts: tuple[int, ...]) -> None:
    found = repeated(np.tile(PART, counts))
    assert found is not None
    assert np.array_equal(found[0], PART)
    assert found[1] == counts


def test_what_is_repeated_in_turn_is_not() -> None:
    assert repeated(np.repeat(PART, 2, axis=1)) is None


def test_zeros_of_either_sign_differ() -> None:
    assert repeated(np.array([0.0, -0.0])) is None
