"""Two processes on halves of every batch learn what one learns on the whole."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.multiprocessing.spawn import spawn

from bokehflow.calibration.data.folder import find_clips
from bokehflow.calibration.data.split import TRAIN
from bokehflow.errors import BokehFlowError, InputError, UsageError
from bokehflow.sole_use import sole_use
from bokehflow.specs import VARIANTS
from bokehflow.training import TrainConfig, TrainOptions, train
from bokehflow.training.checkpoint import read_checkpoint
from bokehflow.training.distributed import World, open_world
from tests.tolerances import PROCESSES_EQUAL
from tests.training.samples import TINY, curve, stage, tiny_config, write_clips
from tests.training.tiny_run import train_to

CONFIG = tiny_config(stage("depth", 3), stage("clips", 2, frames=2, rendering="predicted_depth"))
PROCESSES = 2


def train_one_of_two(rank: int, port: int, data: Path, out: Path) -> None:
    """One process, told what torchrun would tell it."""
    tell(rank, port)
    train_alone(CONFIG, data, out)


def tell(rank: int, port: int) -> None:
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(PROCESSES),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }


def lose_the_clips_of_the_second(rank: int, port: int, data: Path, out: Path) -> None:
    """Each process reads a folder of its own; the second's is emptied after the first step."""
    tell(rank, port)
    own = data / str(rank)

    def lose_all(steps: int) -> None:
        for clip in own.glob("*.npz") if rank == 1 and steps else ():
            clip.unlink()

    try:
        train_alone(CONFIG, own, out, workers=0, advance=lose_all)
    except InputError as error:
        (data / f"{rank}.txt").write_text(str(error))


def train_alone(
    config: TrainConfig,
    data: Path,
    out: Path,
    workers: int = 1,
    advance: Callable[[int], None] = lambda _: None,
) -> None:
    torch.set_num_threads(1)
    VARIANTS["nano"] = TINY
    options = TrainOptions(out, scan="chunked", workers=workers)
    train(config, find_clips(data, TRAIN), options, advance)


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


def test_a_clip_that_one_process_cannot_read_ends_all_with_their_steps_saved(
    tmp_path: Path,
) -> None:
    for rank in range(PROCESSES):
        write_clips(tmp_path / str(rank), 4, frames=2)
    out = tmp_path / "run"
    spawn(  # type: ignore[no-untyped-call]
        lose_the_clips_of_the_second, args=(free_port(), tmp_path, out), nprocs=PROCESSES
    )
    assert "another process" in (tmp_path / "0.txt").read_text()
    assert "does not exist" in (tmp_path / "1.txt").read_text()
    assert read_checkpoint(out).step == 2


def meet_a_folder_in_use(rank: int, port: int, data: Path, out: Path) -> None:
    tell(rank, port)
    try:
        train_alone(CONFIG, data, out)
    except BokehFlowError as error:
        (out / f"{rank}.txt").write_text(f"{type(error).__name__}: {error}")


def test_where_one_cannot_begin_the_others_say_so(tmp_path: Path) -> None:
    data, out = write_clips(tmp_path / "data", 4, frames=2), tmp_path / "run"
    with sole_use(out, "run", "choose another"):
        spawn(  # type: ignore[no-untyped-call]
            meet_a_folder_in_use, args=(free_port(), data, out), nprocs=PROCESSES
        )
        assert "UsageError: another run is in" in (out / "0.txt").read_text()
        assert "DeviceError: another process of this run" in (out / "1.txt").read_text()


def go_on_in_a_folder_of_its_own(rank: int, port: int, data: Path, out: Path) -> None:
    """As on machines that share no disk: only the first has the checkpoint."""
    tell(rank, port)
    torch.set_num_threads(1)
    VARIANTS["nano"] = TINY
    options = TrainOptions(out / str(rank), scan="chunked", workers=0, resume=True)
    try:
        train(CONFIG, find_clips(data, TRAIN), options)
    except UsageError as error:
        (out / f"{rank}.txt").write_text(str(error))


def test_machines_without_the_checkpoint_do_not_begin_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(VARIANTS, "nano", TINY)
    data, out = write_clips(tmp_path / "data", 4, frames=2), tmp_path / "run"
    train_to(find_clips(data, TRAIN), out / "0", 2, config=CONFIG)
    spawn(  # type: ignore[no-untyped-call]
        go_on_in_a_folder_of_its_own, args=(free_port(), data, out), nprocs=PROCESSES
    )
    for rank in range(PROCESSES):
        assert "differ in their step: 2, 0" in (out / f"{rank}.txt").read_text()
    assert read_checkpoint(out / "0").step == 2


def test_processes_that_nobody_told_of_each_other_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="torchrun"), open_world(torch.device("cpu")):
        pass


@pytest.mark.parametrize(
    ("device", "told", "name"),
    [("cpu", {"WORLD_SIZE": "two"}, "WORLD_SIZE is 'two'"), ("cuda", {"WORLD_SIZE": "2"}, "LOCAL")],
)
def test_what_torchrun_would_not_have_set_is_told(
    monkeypatch: pytest.MonkeyPatch, device: str, told: dict[str, str], name: str
) -> None:
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    for key, value in told.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(UsageError, match=name), open_world(torch.device(device)):
        pass


def test_batches_that_cannot_be_shared_out_are_refused() -> None:
    world = World(0, 3, torch.device("cpu"))
    with pytest.raises(UsageError, match="batch 2 of the stage 'depth' on 3 processes"):
        world.check_batches(CONFIG)
