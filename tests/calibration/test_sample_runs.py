"""Which frames of a run become samples, and walks over clips that are too short."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from bokehflow.calibration.data.clip_file import write_clip
from bokehflow.calibration.sample_runs import (
    LONG_RUN_EVERY,
    LONG_RUN_FRAMES,
    RUN_FRAMES,
    sampled_steps,
    there_and_back,
)
from bokehflow.calibration.sample_sources import ClipFile, Item, Still
from bokehflow.specs import Size
from tests.training.samples import tiny_clip

SIZE = Size(16, 24)


@pytest.mark.parametrize("count", [1, 8, LONG_RUN_EVERY - 1])
def test_short_runs_are_sampled_throughout(count: int) -> None:
    assert sampled_steps(count, LONG_RUN_EVERY + 1) == tuple(range(1, count + 1))


@pytest.mark.parametrize("count", range(2, LONG_RUN_FRAMES))
def test_long_runs_are_sampled_from_their_first_frame_to_their_last(count: int) -> None:
    steps = sampled_steps(count, 0)
    assert len(set(steps)) == count
    assert list(steps) == sorted(steps)
    assert (steps[0], steps[-1]) == (1, LONG_RUN_FRAMES)
    assert np.ptp(np.diff(steps)) <= 1


def test_a_long_run_of_one_sample_ends_in_it() -> None:
    assert sampled_steps(1, 0) == (LONG_RUN_FRAMES,)


@pytest.mark.parametrize("share", [1, 3, RUN_FRAMES, 31, 32])
def test_carrying_costs_no_more_than_drawing(share: int) -> None:
    lengths = [sampled_steps(share, share * i)[-1] for i in range(-(-64 // share))]
    drawn = share * len(lengths)
    assert max(lengths) == LONG_RUN_FRAMES
    assert sum(lengths) <= drawn + (LONG_RUN_FRAMES - 1) * -(-drawn // LONG_RUN_EVERY)


@pytest.mark.parametrize(
    ("frames", "expected"),
    [(1, [0] * 7), (2, [0, 1, 0, 1, 0, 1, 0]), (4, [0, 1, 2, 3, 2, 1, 0]), (9, list(range(7)))],
    ids=lambda x: str(x) if isinstance(x, int) else "",
)
def test_a_walk_goes_there_and_back(frames: int, expected: list[int]) -> None:
    assert there_and_back(7, frames) == expected


def items(folder: Path) -> Iterator[Item]:
    """A picture, and a clip of five frames."""
    yield Still("noise", lambda _: torch.rand(1, 3, 400, 600))
    path = folder / "clip.npz"
    write_clip(path, tiny_clip(0, frames=5))
    yield ClipFile(path, 5)


@pytest.mark.parametrize(("drawn", "length"), [(0, LONG_RUN_FRAMES), (1, 3)], ids=["long", "short"])
def test_items_give_the_frames_of_a_run(tmp_path: Path, drawn: int, length: int) -> None:
    for item in items(tmp_path):
        (run,) = item.runs(3, SIZE, np.random.default_rng(0), drawn)
        frames = list(run.frames)
        assert len(frames) == length == run.steps[-1]
        assert len(run.steps) == 3
        assert {tuple(frame.shape) for frame in frames} == {(1, 3, SIZE.height, SIZE.width)}
        # Whatever moves, moves from each frame to the next.
        assert all(not torch.equal(a, b) for a, b in itertools.pairwise(frames))
