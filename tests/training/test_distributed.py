"""Two processes on halves of every batch learn what one learns on the whole."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
import torch
from torch.multiprocessing.spawn import spawn

from bokehflow.calibration.data.folder import find_clips
from bokehflow.calibration.data.split import TRAIN
from bokehflow.errors import UsageError
from bokehflow.specs import VARIANTS
from bokehflow.training import TrainConfig, TrainOptions, train
from bokehflow.training.checkpoint import read_checkpoint
from bokehflow.training.distributed import World
from tests.tolerances import PROCESSES_EQUAL
from tests.training.samples import TINY, curve, stage, tiny_config, write_clips

CONFIG = tiny_config(stage("depth", 3), stage("clips", 2, frames=2, rendering="predicted_depth"))
PROCESSES = 2


def train_one_of_two(rank: int, port: int, data: Path, out: Path) -> None:
    """One process, told what torchrun would tell it."""
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(PROCESSES),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    train_alone(CONFIG, data, out)


def train_alone(config: TrainConfig, data: Path, out: Path) -> None:
    torch.set_num_threads(1)
    VARIANTS["nano"] = TINY
    train(config, find_clips(data, TRAIN), TrainOptions(out, scan="chunked"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_two_processes_have_the_losses_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(VARIANTS, "nano", TINY)
    data = write_clips(tmp_path / "data", 4, frames=2)
    one, two = tmp_path / "one", tmp_path / "two"
    train_alone(CONFIG, data, one)
    spawn(  # type: ignore[no-untyped-call]
        train_one_of_two, args=(free_port(), data, two), nprocs=PROCESSES
    )
    for column in ("loss", "gradient_norm"):
        expected = [float(value) for value in curve(one, column)]
        found = [float(value) for value in curve(two, column)]
        assert len(found) == CONFIG.total_steps
        assert found == pytest.approx(expected, rel=PROCESSES_EQUAL), column
    assert read_checkpoint(two).step == CONFIG.total_steps


def test_batches_that_cannot_be_shared_out_are_refused() -> None:
    world = World(0, 3, torch.device("cpu"))
    with pytest.raises(UsageError, match="batch 2 of the stage 'depth' on 3 processes"):
        world.check_batches(CONFIG)
