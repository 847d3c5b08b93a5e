"""How many layers stay in float: the search, on a format that only counts."""

from __future__ import annotations

import errno
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from bokehflow.errors import OutputError
from bokehflow.quantize import nncf_control
from bokehflow.quantize.control import Control, Search, controlled
from bokehflow.quantize.held_out import Limits, Loss
from bokehflow.quantize.job import Job
from bokehflow.quantize.part_search import search_parts

BLOCKS = 20
PROJECTIONS = 2
"""Layers of one part."""
LIMITS = Limits(0.3, 40.0)


Floats = frozenset[int]


class Blocks:
    """A model is the numbers of its blocks in float, and a session is the model."""

    def quantized_layers(self, _: Floats) -> list[str]:
        return [
            f"network.blocks.{i}.scan.project.0/matmul_{k}"
            for i in range(BLOCKS)
            for k in range(PROJECTIONS)
        ]

    def reverted(self, _: Floats, __: Floats, layers: Collection[str]) -> Floats:
        blocks = [int(layer.split(".")[2]) for layer in layers]
        assert all(blocks.count(block) == PROJECTIONS for block in blocks)
        return frozenset(blocks)

    def with_8bit_weights(self, model: Floats) -> Floats:
        return model

    def open(self, model: Floats, folder: Path) -> Floats:
        assert folder.is_dir()
        return model

    def write(self, model: Floats, path: Path, _: object) -> None:
        path.write_text(" ".join(str(block) for block in model))

    def open_written(self, path: Path) -> Floats:
        return frozenset(int(block) for block in path.read_text().split())


class Picture:
    """Every block costs as much as its number says; the limits leave room for `left` in all."""

    def __init__(self, left: int) -> None:
        self.left, self.glances = left, 0

    def glance(self, floats: Floats) -> float:
        self.glances += 1
        return float(sum(set(range(BLOCKS)) - floats))

    def loss(self, floats: Floats) -> Loss:
        cost = sum(set(range(BLOCKS)) - floats)
        return Loss(0.1 if cost <= self.left else 1.0 + cost, 50.0, 60.0)


def search(picture: Picture, by: Search = search_parts) -> list[Any]:
    form: Any = Blocks()
    held_out: Any = picture
    nothing: Floats = frozenset()
    none: Any = None
    job = Job(none, none, held_out, LIMITS, "parts", lambda: None)
    return controlled(Control(form, job, nothing, nothing), by)


@pytest.mark.parametrize(("left", "parts"), [(171, 1), (100, 6), (0, 19)])
def test_the_fewest_of_the_costliest_that_do_are_found(left: int, parts: int) -> None:
    attempts = search(Picture(left))
    costliest = range(BLOCKS - parts, BLOCKS)
    assert attempts[-1].model == frozenset(costliest)
    assert len(attempts[-1].floats) == parts * PROJECTIONS
    assert LIMITS.met_by(attempts[-1].loss)
    assert len(attempts) <= 9  # twice the logarithm of 20


def test_nothing_is_ranked_where_everything_may_be_quantized() -> None:
    picture = Picture(1000)
    (attempt,) = search(picture)
    assert attempt.floats == ()
    assert picture.glances == 0


def test_the_best_is_kept_where_none_does() -> None:
    attempts = search(Picture(-1))
    assert len(attempts[-1].floats) == BLOCKS * PROJECTIONS
    assert not LIMITS.met_by(attempts[-1].loss)


@pytest.mark.parametrize(("left", "asked", "met"), [(171, 1, True), (160, 2, True), (0, 2, False)])
def test_nncf_is_asked_again_where_8_bit_weights_cost_too_much(
    left: int, asked: int, met: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for: list[Limits] = []

    def one_more_block_each_time(_control: Control[Floats], limits: Limits) -> tuple[str, ...]:
        asked_for.append(limits)
        blocks = range(BLOCKS - len(asked_for), BLOCKS)
        layers = Blocks().quantized_layers(frozenset())
        return tuple(name for name in layers if int(name.split(".")[2]) in blocks)

    monkeypatch.setattr(nncf_control, "chosen_floats", one_more_block_each_time)
    attempts = search(Picture(left), nncf_control.search_by_nncf)
    assert len(asked_for) == asked
    assert [limits.max_drop_db for limits in asked_for] == sorted(
        {limits.max_drop_db for limits in asked_for}, reverse=True
    )
    assert LIMITS.met_by(attempts[-1].loss) == met
    assert len(attempts[-1].floats) == asked * PROJECTIONS


def test_a_full_temporary_folder_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> Floats:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Blocks, "open", full)
    with pytest.raises(OutputError, match=r"No space left on device; free some space .* TMPDIR"):
        search(Picture(171))
