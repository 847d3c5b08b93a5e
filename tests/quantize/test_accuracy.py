"""How many layers stay in float: the search, on a format that only counts."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from bokehflow.quantize.accuracy import Limits, controlled
from bokehflow.quantize.held_out import Loss
from bokehflow.quantize.layers import LayerNoise

LAYERS = 20
RANKING = [LayerNoise(f"layer {i}", float(i)) for i in range(LAYERS)]
LIMITS = Limits(0.3, 40.0)


class Counting:
    """A model is the number of its layers in float, and a session is the model."""

    def reverted(self, quantized: int, _: int, layers: Collection[str]) -> int:
        assert list(layers) == [noise.layer for noise in RANKING[: len(layers)]]
        return quantized + len(layers)

    def with_8bit_weights(self, model: int) -> int:
        return model

    def open(self, model: int, folder: Path) -> int:
        assert folder.is_dir()
        return model


class Steps:
    """Meets the limits from `enough` layers in float on; before, the more the nearer."""

    def __init__(self, enough: int) -> None:
        self.enough = enough

    def loss(self, floats: int) -> Loss:
        return Loss(0.1 if floats >= self.enough else 2.0 - floats / 100.0, 50.0, 60.0)


def search(enough: int) -> list[Any]:
    form: Any = Counting()
    held_out: Any = Steps(enough)
    return controlled(form, 0, 0, RANKING, held_out, LIMITS, lambda: None)


@pytest.mark.parametrize("enough", [0, 1, 7, LAYERS], ids=lambda n: f"{n}-layers")
def test_the_fewest_that_do_are_found(enough: int) -> None:
    attempts = search(enough)
    assert len(attempts[-1].floats) == enough
    assert LIMITS.met_by(attempts[-1].loss)
    assert len(attempts) <= 7  # 2, and the logarithm of 20


def test_the_best_is_kept_where_none_does() -> None:
    attempts = search(LAYERS + 1)
    assert len(attempts[-1].floats) == LAYERS
    assert not LIMITS.met_by(attempts[-1].loss)
