"""Checkpoints: everything a run needs to go on exactly, in one file that is whole or not there.

Network, averaged weights and the optimiser's moments, in float32: at most 16 bytes a parameter.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bokehflow.atomic import atomic_file
from bokehflow.damage import ARCHIVE_DAMAGE
from bokehflow.errors import InputError, WeightsError
from bokehflow.network import Network
from bokehflow.training.config import TrainConfig
from bokehflow.training.config_file import config_as_json, config_from_json
from bokehflow.training.ema import AveragedWeights
from bokehflow.training.optimiser import Optimiser

NAME = "checkpoint.pt"
SCHEMA = 2


@dataclass(slots=True)
class RunState:
    """All that changes from step to step. step: how many are done; skipped: how many of them
    left the weights alone because a gradient was not finite. clips: which ones the steps see
    (`FoundClips.identity`)."""

    network: Network
    averaged: AveragedWeights
    optimiser: Optimiser
    step: int = 0
    skipped: int = 0
    clips: str = ""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint file holds, beside the config of its run.

    clips: those of the steps before it, "" where an earlier release did not note them.
    Raises TypeError where a value is of another type. `require_fit` and the optimiser look at
    shapes.
    """

    config: TrainConfig
    step: int
    skipped: int
    network: dict[str, Tensor]
    averaged: dict[str, Tensor]
    optimiser: dict[str, Any]
    generators: dict[str, Any]
    clips: str = ""

    def __post_init__(self) -> None:
        generators = self.generators if isinstance(self.generators, dict) else {}
        cuda = generators.get("cuda")
        whole = (
            all(type(count) is int and count >= 0 for count in (self.step, self.skipped))
            and _holds_tensors(self.network)
            and _holds_tensors(self.averaged)
            and isinstance(self.optimiser, dict)
            and all(isinstance(name, str) for name in self.optimiser)
            and isinstance(self.clips, str)
            and isinstance(cuda, list)
            and all(_is_generator(state) for state in (generators.get("cpu"), *cuda))
            and len(generators["cpu"]) == len(torch.get_rng_state())
        )
        if not whole:
            raise TypeError("a checkpoint of other values")

    def require_fit(self, network: Network) -> None:
        """Raise WeightsError unless its weights and averages are of such a network, all of them."""
        weights, averages = network.state_dict(), dict(network.named_parameters())
        for found, wanted in ((self.network, weights), (self.averaged, averages)):
            differing = sorted(
                name
                for name in found.keys() | wanted.keys()
                if name not in found
                or name not in wanted
                or (found[name].shape, found[name].dtype)
                != (wanted[name].shape, wanted[name].dtype)
            )
            if differing:
                raise WeightsError(
                    f"the checkpoint does not fit the network in {differing[0]}",
                    f"the tensors of {network.variant.name}",
                    "train into another folder",
                )


def save_checkpoint(folder: Path, config: TrainConfig, state: RunState) -> None:
    """Write the run's checkpoint in place of the one before.

    Raises OutputError where it cannot be written; the one before is then still there.
    """
    content = io.BytesIO()
    document = {
        "schema": SCHEMA,
        "config": config_as_json(config),
        "step": state.step,
        "skipped": state.skipped,
        "clips": state.clips,
        "network": state.network.state_dict(),
        "averaged": state.averaged.tensors,
        "optimiser": state.optimiser.state_dict(),
        "generators": _generators(),
    }
    # Into memory first: torch tells a full disk as one of its own errors.
    torch.save(document, content)
    with atomic_file(folder / NAME) as hidden:
        hidden.write_bytes(content.getbuffer())


def read_checkpoint(folder: Path) -> Checkpoint:
    """The checkpoint of a run's folder. Raises InputError where there is none that can be read."""
    path = folder / NAME
    if not path.is_file():
        raise InputError(f"no checkpoint at {path}", "the folder of a run of `bfx train`")
    try:
        document = _load(path)
        schema = document.pop("schema")
        if schema != SCHEMA:
            raise InputError(
                f"{path} has schema {schema}", f"schema {SCHEMA}", "train into another folder"
            )
        config = config_from_json(document.pop("config"))
        return Checkpoint(config=config, **document)
    except ARCHIVE_DAMAGE as error:
        raise InputError(
            f"{path} cannot be read as a checkpoint ({type(error).__name__})",
            "a file that `bfx train` wrote",
            "train into another folder",
        ) from error


def _load(path: Path) -> dict[str, Any]:
    """What torch saved, every part with the checksum that it was saved with."""
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()  # torch.load does not look
    if damaged is not None:
        raise zipfile.BadZipFile(f"{damaged} has another checksum")
    document = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(document, dict):
        raise TypeError("no dict")
    return document


def restore(checkpoint: Checkpoint, state: RunState) -> None:
    """Put a run back where its checkpoint left it.

    Raises WeightsError for a checkpoint of another variant, of other tensors or of another
    optimiser.
    """
    variant = state.network.variant.name
    if checkpoint.config.variant != variant:
        raise WeightsError(
            f"the checkpoint is of {checkpoint.config.variant!r}",
            f"one of {variant!r}",
            "train into another folder, or with that variant's config",
        )
    checkpoint.require_fit(state.network)
    state.network.load_state_dict(checkpoint.network)
    state.averaged.load(checkpoint.averaged)
    state.optimiser.load_state_dict(checkpoint.optimiser)
    state.step, state.skipped = checkpoint.step, checkpoint.skipped
    torch.set_rng_state(checkpoint.generators["cpu"])
    # A run that goes on without CUDA, or with more devices, has no use for these.
    stored = checkpoint.generators["cuda"]
    if torch.cuda.is_available() and len(stored) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(stored)


def _holds_tensors(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in value.items()
    )


def _is_generator(state: object) -> bool:
    return isinstance(state, Tensor) and state.dtype == torch.uint8 and state.ndim == 1


def _generators() -> dict[str, Any]:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}
