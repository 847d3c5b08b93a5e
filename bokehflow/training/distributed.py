"""Several processes, as `torchrun` starts them: each trains on its share of every batch.

torchrun says through the environment how many there are; without it there is one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from bokehflow.errors import DeviceError, UsageError
from bokehflow.training.config import TrainConfig


@dataclass(frozen=True, slots=True)
class World:
    """rank: this process's number; size: how many there are; device: what it computes on."""

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process writes files."""
        return self.rank == 0

    def check_batches(self, config: TrainConfig) -> None:
        """Raise UsageError for a stage whose batch cannot be shared out evenly."""
        for stage in config.stages:
            if stage.batch % self.size:
                raise UsageError(
                    f"batch {stage.batch} of the stage {stage.name!r} on {self.size} processes",
                    "a batch that the number of processes divides",
                )

    def mean(self, value: Tensor) -> Tensor:
        """The mean over all processes."""
        if self.size == 1:
            return value
        total = value.clone()
        dist.all_reduce(total)
        return total / self.size

    def any(self, flag: bool) -> bool:
        """Whether the flag is set on any process."""
        if self.size == 1:
            return flag
        votes = torch.tensor(float(flag), device=self.device)
        dist.all_reduce(votes)
        return bool(votes > 0)

    def gathered(self, text: str) -> list[str]:
        """What every process says, in their order."""
        if self.size == 1:
            return [text]
        said: list[str | None] = [None] * self.size
        dist.all_gather_object(said, text)
        return [str(one) for one in said]

    def wait(self) -> None:
        """Until all processes are here."""
        if self.size > 1:
            dist.barrier()

    def shared(self, module: nn.Module) -> nn.Module:
        """The module with its gradients averaged over all processes."""
        if self.size == 1:
            return module
        # Depth alone leaves the picture's heads without a gradient.
        return DistributedDataParallel(module, find_unused_parameters=True)


_LOST = ("gloo", "NCCL", "Connection closed", "Connection reset")
"""What PyTorch's plain errors say where the connection to another process has ended."""


@contextlib.contextmanager
def open_world(device: torch.device) -> Iterator[World]:
    """Join the other processes where torchrun started several.

    Raises UsageError where the processes cannot find each other, and DeviceError where one of the
    others ended while the block runs.
    """
    size = _told("WORLD_SIZE", "1")
    if size == 1:
        yield World(0, 1, device)
        return
    if device.type == "cuda":
        device = torch.device("cuda", _told("LOCAL_RANK", ""))
        torch.cuda.set_device(device)
    _join("nccl" if device.type == "cuda" else "gloo")
    try:
        yield World(dist.get_rank(), size, device)
    except RuntimeError as error:
        if not any(word in str(error) for word in _LOST):
            raise
        raise DeviceError(
            "another process of this run has ended",
            remedy="its own message says why; go on with --resume",
        ) from error
    finally:
        dist.destroy_process_group()


def _told(name: str, otherwise: str) -> int:
    """A number that torchrun sets. Raises UsageError for what is none."""
    text = os.environ.get(name, otherwise)
    try:
        return int(text)
    except ValueError as error:
        raise UsageError(
            f"{name} is {text!r}",
            "a number, as torchrun sets it",
            "start the command with torchrun",
        ) from error


def _join(backend: str) -> None:
    try:
        dist.init_process_group(backend)
    except (ValueError, RuntimeError) as error:
        raise UsageError(
            f"WORLD_SIZE is set, and the processes do not find each other ({error})",
            "what torchrun sets",
            "start the command with torchrun, or unset WORLD_SIZE",
        ) from error
